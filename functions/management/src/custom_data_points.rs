//! Data points of the tenant's own (contract, M16–M20): what `custom` may hold, and what of it a device is shown.

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    error::Error,
    facts::{Format, Shown, Texts},
    http::{Body, ManagementCaller, Path, Reply, present},
    id::{PointId, TenantId},
    rule::{DataPoint, DataType, ModelType, catalogue::variable, condition::names_point},
    store::no_point,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Deleted;

#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CustomDataPoint {
    id: String,
    tenant_id: String,
    name: String,
    data_type: DataType,
    model_type: ModelType,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Whether the pages and devices show it.
    is_public: bool,
    /// How it is shown.
    #[serde(flatten)]
    shown: Shown,
}

fn view(tenant: impl ToString, point: DataPoint) -> Json<CustomDataPoint> {
    let DataPoint { id, name, data_type, model_type, description, is_public, shown } = point;
    Json(CustomDataPoint {
        id: id.into(),
        tenant_id: tenant.to_string(),
        name,
        data_type,
        model_type,
        description,
        is_public,
        shown,
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreatePoint {
    /// As it stands in `custom`: 1 to 64 letters, digits, `_` or `-`.
    name: String,
    data_type: DataType,
    model_type: ModelType,
    #[serde(default)]
    description: Option<String>,
    /// `false` where absent.
    #[serde(default)]
    is_public: Option<bool>,
    /// What it is called on the pages, by language; its name where absent.
    #[serde(default)]
    label: Option<Texts>,
    /// How its value is written.
    #[serde(default)]
    format: Option<Format>,
    /// What stands behind the value: a text such as `EUR`, or `{name}` for the value of another public data point.
    #[serde(default)]
    unit: Option<String>,
}

/// What to change: absent keeps, null clears. What a point is of stays, because rules are checked against it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PointChanges {
    name: Option<String>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    description: Option<Option<String>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    is_public: Option<Option<bool>>,
    /// What it is called on the pages, by language.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Texts>)]
    label: Option<Option<Texts>>,
    /// How its value is written.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Format>)]
    format: Option<Option<Format>>,
    /// What stands behind the value.
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    unit: Option<Option<String>>,
}

/// 409 where another point of this kind has the name.
async fn name_is_free(app: &App, tenant: &TenantId, point: &DataPoint) -> Result<(), Error> {
    let loaded = app.store().tenant(tenant).load().await?;
    let taken = loaded.is_some_and(|loaded| {
        let same =
            |one: &DataPoint| one.id != point.id && (one.model_type, &one.name) == (point.model_type, &point.name);
        loaded.points.iter().any(same)
    });
    if taken { Err(Error::Conflict(format!("There is a data point {} already.", point.name))) } else { Ok(()) }
}

/// 409 where a rule asks about the point. A rule that comes to ask at this very moment cannot be computed afterwards, and
/// gives its action's outcome for errors.
async fn is_unused(app: &App, tenant: &TenantId, point: &DataPoint) -> Result<(), Error> {
    let loaded = app.store().tenant(tenant).load().await?;
    let rules = loaded.map(|loaded| loaded.rules).unwrap_or_default();
    let name = variable(point);
    match rules.iter().find(|rule| names_point(&rule.conditions, &name)) {
        None => Ok(()),
        Some(rule) => Err(Error::Conflict(format!(
            "The rule \"{}\" of {} asks about {name}; change or delete it first.",
            rule.name, rule.action_code
        ))),
    }
}

/// List the data points, by name.
#[utoipa::path(get, path = "/v1/management/custom-data-points", tag = "Management API", operation_id = "listCustomDataPoints",
    responses((status = 200, body = Vec<CustomDataPoint>)), security(("managementKey" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
) -> Reply<Vec<CustomDataPoint>> {
    let loaded = app.store().tenant(tenant.id()).load().await?;
    let mut all = loaded.map(|loaded| loaded.points).unwrap_or_default();
    all.sort_by(|one, two| (&one.name, &one.id).cmp(&(&two.name, &two.id)));
    Ok(Json(all.into_iter().map(|point| view(tenant.id(), point).0).collect()))
}

/// Make a data point; 409 where its name is taken.
#[utoipa::path(post, path = "/v1/management/custom-data-points", tag = "Management API", operation_id = "createCustomDataPoint",
    request_body = CreatePoint, responses((status = 200, body = CustomDataPoint)), security(("managementKey" = [])))]
pub(crate) async fn create(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(request): Body<CreatePoint>,
) -> Reply<CustomDataPoint> {
    let CreatePoint { name, data_type, model_type, description, is_public, label, format, unit } = request;
    let is_public = is_public.unwrap_or(false);
    let shown = Shown { label: label.unwrap_or_default(), format, unit };
    let point = DataPoint { id: PointId::generate(), name, data_type, model_type, description, is_public, shown };
    point.check()?;
    name_is_free(&app, tenant.id(), &point).await?;
    app.store().tenant(tenant.id()).create_point(&point).await?;
    app.forget_tenant(tenant.id());
    Ok(view(tenant.id(), point))
}

/// Get a data point.
#[utoipa::path(get, path = "/v1/management/custom-data-points/{id}", tag = "Management API", operation_id = "getCustomDataPoint",
    params(("id" = String, Path)), responses((status = 200, body = CustomDataPoint)), security(("managementKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(id): Path<PointId>,
) -> Reply<CustomDataPoint> {
    let point = app.store().tenant(tenant.id()).point(&id).await?.ok_or_else(no_point)?;
    Ok(view(tenant.id(), point))
}

/// Change a data point: absent keeps, null clears.
#[utoipa::path(patch, path = "/v1/management/custom-data-points/{id}", tag = "Management API", operation_id = "updateCustomDataPoint",
    params(("id" = String, Path)), request_body = PointChanges, responses((status = 200, body = CustomDataPoint)), security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(id): Path<PointId>,
    Body(changes): Body<PointChanges>,
) -> Reply<CustomDataPoint> {
    let store = app.store().tenant(tenant.id());
    let mut point = store.point(&id).await?.ok_or_else(no_point)?;
    if changes.name.as_ref().is_some_and(|name| *name != point.name) {
        is_unused(&app, tenant.id(), &point).await?;
    }
    point.name = changes.name.unwrap_or(point.name);
    point.description = changes.description.unwrap_or(point.description);
    point.is_public = changes.is_public.map_or(point.is_public, Option::unwrap_or_default);
    let Shown { label, format, unit } = point.shown;
    point.shown = Shown {
        label: changes.label.map_or(label, Option::unwrap_or_default),
        format: changes.format.unwrap_or(format),
        unit: changes.unit.unwrap_or(unit),
    };
    point.check()?;
    name_is_free(&app, tenant.id(), &point).await?;
    store.replace_point(&point).await?;
    app.forget_tenant(tenant.id());
    Ok(view(tenant.id(), point))
}

/// Delete a data point; 404 where there is none, 409 where a rule asks about it.
#[utoipa::path(delete, path = "/v1/management/custom-data-points/{id}", tag = "Management API", operation_id = "deleteCustomDataPoint",
    params(("id" = String, Path)), responses((status = 200, body = Deleted)), security(("managementKey" = [])))]
pub(crate) async fn delete(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(id): Path<PointId>,
) -> Reply<Deleted> {
    let store = app.store().tenant(tenant.id());
    let point = store.point(&id).await?.ok_or_else(no_point)?;
    is_unused(&app, tenant.id(), &point).await?;
    store.delete_point(&id).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(Deleted { success: true }))
}
