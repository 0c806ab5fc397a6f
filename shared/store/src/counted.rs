//! Counting the calls of an SDK client.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::FinalizerInterceptorContextRef, dyn_dispatch_hint},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use countersign_domain::metrics::{Counter, count};

/// Counts each attempt of a call, and those that failed where every failure is one.
#[derive(Debug)]
pub struct Counted {
    pub calls: Counter,
    pub errors: Option<Counter>,
}

#[dyn_dispatch_hint]
impl Intercept for Counted {
    fn name(&self) -> &'static str {
        "Counted"
    }
    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        count(self.calls);
        if let (Some(errors), Some(Err(_))) = (self.errors, context.output_or_error()) {
            count(errors);
        }
        Ok(())
    }
}
