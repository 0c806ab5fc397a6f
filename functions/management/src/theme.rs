//! How the hosted pages look (contract, M21-M22).

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    http::{Body, ManagementCaller, Reply},
    theme::{Theme, contrast::ContrastWarning},
};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A theme; what is absent looks as our pages do.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ThemeView {
    #[serde(flatten)]
    theme: Theme,
    /// The colours that are hard to read (WCAG 2.2, 1.4.3 and 1.4.11). They are kept all the same. Ours.
    contrast_warnings: Vec<ContrastWarning>,
    /// Where dark pages have the logo of light ones: there it stands on a white plate. Ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    logo_warning: Option<&'static str>,
}

const NO_DARK_LOGO: &str = "darkMode.logoUrl is not set, so dark pages show logoUrl on a white plate: dark letters would not be seen \
                            on a dark page. Set darkMode.logoUrl to a logo for dark pages.";

impl From<Theme> for ThemeView {
    fn from(theme: Theme) -> Self {
        let logo_warning = theme.lacks_a_dark_logo().then_some(NO_DARK_LOGO);
        Self { contrast_warnings: theme.contrast_warnings(), logo_warning, theme }
    }
}

/// Get the theme.
#[utoipa::path(get, path = "/v1/management/theme", tag = "Management API", operation_id = "getTheme",
    responses((status = 200, body = ThemeView)), security(("managementKey" = [])))]
pub(crate) async fn get(State(app): State<App>, ManagementCaller(tenant): ManagementCaller) -> Reply<ThemeView> {
    Ok(Json(app.store().tenant(tenant.id()).theme().await?.into()))
}

/// Change the theme: absent keeps, null clears, field by field. It is in force within a minute.
#[utoipa::path(patch, path = "/v1/management/theme", tag = "Management API", operation_id = "updateTheme",
    request_body = Theme, responses((status = 200, body = ThemeView)), security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(changes): Body<Map<String, Value>>,
) -> Reply<ThemeView> {
    let is_local = tenant.settings().is_local;
    let change = |theme: &Theme| {
        let changed = theme.changed(changes.clone())?;
        changed.check_addresses(is_local)?;
        Ok(changed)
    };
    let theme = app.store().tenant(tenant.id()).change_theme(change).await?;
    app.forget_look(tenant.id());
    tracing::info!(event = "theme_changed", tenant = %tenant.id());
    Ok(Json(theme.into()))
}
