//! Why a call of AWS failed, for the log and for the operator: nothing of what was sent or answered.

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::http::Response;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// One line. The SDK's own (`DisplayErrorContext`) ends with the whole error as `Debug` has it, and with that the answer:
/// items of the table, a MAC of KMS, the token of a phone.
pub fn cause<E>(error: &SdkError<E, Response>) -> String
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(answered) => {
            let status = answered.raw().status().as_u16();
            let about = answered.err().meta();
            let code = about.code().unwrap_or("without a code");
            let said = about.message().filter(|_| !quotes(code)).map(|said| format!(": {said}")).unwrap_or_default();
            let request = about.extra("aws_request_id").map(|id| format!(" (request {id})")).unwrap_or_default();
            format!("HTTP {status}, {code}{said}{request}")
        }
        SdkError::ResponseError(answered) => {
            format!("HTTP {}, with an answer that cannot be read", answered.raw().status().as_u16())
        }
        // There was no answer: what failed is on this side of it.
        not_answered => chain(not_answered),
    }
}

/// Whether such an error repeats what was sent, as in `Value '…' at 'token' failed to satisfy constraint`.
fn quotes(code: &str) -> bool {
    ["Invalid", "Validation", "Serialization", "Malformed", "without a code"].iter().any(|part| code.contains(part))
}

/// An error and what caused it, in the words of each.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::{
        operation::transact_write_items::TransactWriteItemsError,
        types::{
            AttributeValue, CancellationReason,
            error::{TransactionCanceledException, builders::TransactionCanceledExceptionBuilder},
        },
    };
    use aws_smithy_runtime_api::{client::result::ConnectorError, http::StatusCode};
    use aws_smithy_types::{body::SdkBody, error::ErrorMetadata};

    use super::*;

    type Failed = SdkError<TransactWriteItemsError, Response>;

    const CANARY: &str = "canary@example.com";

    fn response(status: u16) -> Response {
        let mut response = Response::new(StatusCode::try_from(status).unwrap(), SdkBody::from(CANARY));
        response.headers_mut().insert("x-canary", CANARY);
        response
    }

    fn cancelled(
        change: impl FnOnce(TransactionCanceledExceptionBuilder) -> TransactionCanceledExceptionBuilder,
    ) -> Failed {
        let item = CancellationReason::builder().code("ValidationError").message(CANARY);
        let item = item.item("email", AttributeValue::S(CANARY.into())).build();
        let built = change(TransactionCanceledException::builder().cancellation_reasons(item)).build();
        SdkError::service_error(TransactWriteItemsError::TransactionCanceledException(built), response(400))
    }

    fn about(code: &str, message: &str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).message(message).custom("aws_request_id", "R1").build()
    }

    #[test]
    fn what_was_answered_is_not_said() {
        let refused = cancelled(|error| {
            error
                .message("Transaction cancelled [ValidationError]")
                .meta(about("TransactionCanceledException", "cancelled [ValidationError]"))
        });
        // The SDK's own line says it.
        assert!(aws_sdk_dynamodb::error::DisplayErrorContext(&refused).to_string().contains(CANARY));
        assert_eq!(cause(&refused), "HTTP 400, TransactionCanceledException: cancelled [ValidationError] (request R1)");
        let unread: Failed = SdkError::response_error(CANARY, response(200));
        assert_eq!(cause(&unread), "HTTP 200, with an answer that cannot be read");
    }

    #[test]
    fn an_error_that_quotes_is_its_code_alone() {
        for code in ["ValidationException", "InvalidParameterValue", "SerializationException"] {
            let refused = cancelled(|error| error.meta(about(code, &format!("Value '{CANARY}' at 'token'"))));
            assert_eq!(cause(&refused), format!("HTTP 400, {code} (request R1)"));
        }
        let nameless = cancelled(|error| error.meta(ErrorMetadata::builder().message(CANARY).build()));
        assert_eq!(cause(&nameless), "HTTP 400, without a code");
    }

    #[test]
    fn what_was_never_answered_is_told_with_its_causes() {
        let lost: Failed = SdkError::dispatch_failure(ConnectorError::io("connection refused".into()));
        assert!(cause(&lost).contains("connection refused"), "{}", cause(&lost));
    }
}
