//! What the hosted pages say, in the tenant's own words (contract, M23-M25).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    error::Error,
    http::{Body, ManagementCaller, Reply},
    wording::{self, Catalog, Overrides},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The longest body of a change: with its keys it fits into an item of the table (400 KB).
const MAX_BODY: usize = 256 * 1024;

/// By the tag of a language, then by the `publicId` of a text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OverridesView {
    message_overrides: Overrides,
}

/// Get your own words for the pages.
#[utoipa::path(get, path = "/v1/management/message-overrides", tag = "Management API",
    operation_id = "getMessageOverrides", responses((status = 200, body = OverridesView)),
    security(("managementKey" = [])))]
pub(crate) async fn get(State(app): State<App>, ManagementCaller(tenant): ManagementCaller) -> Reply<OverridesView> {
    Ok(Json(OverridesView { message_overrides: app.store().tenant(tenant.id()).overrides().await? }))
}

/// The words to have from now on.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct OverridesChanges {
    /// The words that take the place of all so far; null clears them.
    #[serde(deserialize_with = "countersign_core::http::present")]
    #[schema(value_type = Option<Overrides>)]
    message_overrides: Option<Option<Overrides>>,
}

/// Replace your own words for the pages. They are in force within a minute.
#[utoipa::path(patch, path = "/v1/management/message-overrides", tag = "Management API",
    operation_id = "updateMessageOverrides", request_body = OverridesChanges,
    responses((status = 200, body = OverridesView)), security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(changes): Body<OverridesChanges, MAX_BODY>,
) -> Reply<OverridesView> {
    let store = app.store().tenant(tenant.id());
    let Some(new) = changes.message_overrides else {
        return Ok(Json(OverridesView { message_overrides: store.overrides().await? }));
    };
    let new = new.unwrap_or_default();
    new.check()?;
    let message_overrides = store.replace_overrides(&new).await?;
    app.forget_look(tenant.id());
    tracing::info!(event = "message_overrides_changed", tenant = %tenant.id());
    Ok(Json(OverridesView { message_overrides }))
}

/// List the texts of the pages that can be overridden.
#[utoipa::path(get, path = "/v1/management/message-overrides/catalog", tag = "Management API",
    operation_id = "getMessageCatalog", responses((status = 200, body = Catalog)), security(("managementKey" = [])))]
pub(crate) async fn catalog(_caller: ManagementCaller) -> Result<Json<&'static Catalog>, Error> {
    Ok(Json(wording::catalog()))
}
