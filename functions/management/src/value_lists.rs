//! Value lists (contract, M11-M15): what rules ask with `in_list`.

use axum::{Json, extract::State};
use countersign_core::{
    app::App,
    clock::iso,
    error::Error,
    http::{Body, ManagementCaller, Path, Reply, present},
    id::{ListAlias, TenantId},
    rule::{
        Rule,
        catalogue::Form,
        condition::{names_list, points_in_list},
        list::{ItemType, ValueList, alias_of},
    },
    store::no_list,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::Deleted;

/// A value list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ValueListView {
    alias: String,
    tenant_id: String,
    name: String,
    item_type: ItemType,
    is_active: bool,
    #[schema(value_type = Vec<Object>)]
    value_list_items: Vec<Value>,
    created_at: String,
}

fn view(tenant: &TenantId, list: ValueList) -> ValueListView {
    ValueListView {
        alias: list.alias.into(),
        tenant_id: tenant.to_string(),
        name: list.name,
        item_type: list.item_type,
        is_active: list.is_active,
        value_list_items: list.items,
        created_at: iso(list.created_at),
    }
}

/// A new list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateList {
    name: String,
    /// What rules call it; where absent, the name in lower case with hyphens.
    #[schema(value_type = Option<String>)]
    alias: Option<String>,
    item_type: ItemType,
    /// `true` where absent.
    is_active: Option<bool>,
    #[schema(value_type = Option<Vec<Object>>)]
    value_list_items: Option<Vec<Value>>,
}

/// What to change: absent keeps, null clears. Alias and type stay, because rules are checked against them.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ListChanges {
    name: Option<String>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<bool>)]
    is_active: Option<Option<bool>>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<Vec<Object>>)]
    value_list_items: Option<Option<Vec<Value>>>,
}

/// List the value lists, by alias.
#[utoipa::path(get, path = "/v1/management/value-lists", tag = "Management API", operation_id = "listValueLists",
    responses((status = 200, body = Vec<ValueListView>)), security(("managementKey" = [])))]
pub(crate) async fn list(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
) -> Reply<Vec<ValueListView>> {
    let loaded = app.store().tenant(tenant.id()).load().await?;
    let mut all = loaded.map(|loaded| loaded.lists).unwrap_or_default();
    all.sort_by(|one, two| one.alias.cmp(&two.alias));
    Ok(Json(all.into_iter().map(|list| view(tenant.id(), list)).collect()))
}

/// Make a value list; 409 where its alias is taken.
#[utoipa::path(post, path = "/v1/management/value-lists", tag = "Management API", operation_id = "createValueList",
    request_body = CreateList, responses((status = 200, body = ValueListView)), security(("managementKey" = [])))]
pub(crate) async fn create(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Body(request): Body<CreateList>,
) -> Reply<ValueListView> {
    let alias = request.alias.filter(|alias| !alias.is_empty()).unwrap_or_else(|| alias_of(&request.name));
    if alias.is_empty() {
        return Err(Error::invalid("name: no alias can be made of it; send an alias of letters, digits and '-'."));
    }
    let list = ValueList {
        alias: ListAlias::parse(alias)?,
        name: request.name,
        item_type: request.item_type,
        is_active: request.is_active.unwrap_or(true),
        items: request.value_list_items.unwrap_or_default(),
        created_at: app.now(),
    };
    list.check()?;
    app.store().tenant(tenant.id()).create_list(&list).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(view(tenant.id(), list)))
}

/// Get a value list.
#[utoipa::path(get, path = "/v1/management/value-lists/{alias}", tag = "Management API", operation_id = "getValueList",
    params(("alias" = String, Path)), responses((status = 200, body = ValueListView)), security(("managementKey" = [])))]
pub(crate) async fn get(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(alias): Path<ListAlias>,
) -> Reply<ValueListView> {
    let list = app.store().tenant(tenant.id()).list(&alias).await?.ok_or_else(no_list)?;
    Ok(Json(view(tenant.id(), list)))
}

/// Change a value list: absent keeps, null clears.
#[utoipa::path(patch, path = "/v1/management/value-lists/{alias}", tag = "Management API", operation_id = "updateValueList",
    params(("alias" = String, Path)), request_body = ListChanges, responses((status = 200, body = ValueListView)),
    security(("managementKey" = [])))]
pub(crate) async fn patch(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(alias): Path<ListAlias>,
    Body(changes): Body<ListChanges>,
) -> Reply<ValueListView> {
    let store = app.store().tenant(tenant.id());
    let rules = store.load().await?.map(|loaded| loaded.rules).unwrap_or_default();
    let change = |list: &mut ValueList| {
        list.name = changes.name.clone().unwrap_or_else(|| list.name.clone());
        list.is_active = changes.is_active.map_or(list.is_active, |changed| changed.unwrap_or(true));
        if let Some(items) = &changes.value_list_items {
            list.items = items.clone().unwrap_or_default();
        }
        list.check()?;
        is_what_rules_look_for(list, &rules)
    };
    let changed = store.change_list(&alias, change).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(view(tenant.id(), changed)))
}

/// An item that no rule could find is refused. A rule that is made at the same moment cannot be computed then.
fn is_what_rules_look_for(list: &ValueList, rules: &[Rule]) -> Result<(), Error> {
    for rule in rules {
        for point in points_in_list(&rule.conditions, list.alias.as_str()) {
            if let Some(form) = Form::of(point) {
                let (name, code) = (&rule.name, &rule.action_code);
                list.check_form(form, &format!("the rule \"{name}\" of {code} looks for {point} in this list"))?;
            }
        }
    }
    Ok(())
}

/// Delete a value list; 404 where there is none, 409 where a rule names it.
#[utoipa::path(delete, path = "/v1/management/value-lists/{alias}", tag = "Management API", operation_id = "deleteValueList",
    params(("alias" = String, Path)), responses((status = 200, body = Deleted)), security(("managementKey" = [])))]
pub(crate) async fn delete(
    State(app): State<App>,
    ManagementCaller(tenant): ManagementCaller,
    Path(alias): Path<ListAlias>,
) -> Reply<Deleted> {
    let store = app.store().tenant(tenant.id());
    let rules = store.load().await?.map(|loaded| loaded.rules).unwrap_or_default();
    if let Some(Rule { name, action_code, .. }) = rules.iter().find(|rule| names_list(&rule.conditions, alias.as_str()))
    {
        return Err(Error::Conflict(format!(
            "The rule \"{name}\" of {action_code} names this list; change or delete it first."
        )));
    }
    store.delete_list(&alias).await?;
    app.forget_tenant(tenant.id());
    Ok(Json(Deleted { success: true }))
}
