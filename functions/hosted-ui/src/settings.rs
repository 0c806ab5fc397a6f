use crate::{
    Once,
    visit::{Fields, Visit},
};
use axum::response::{IntoResponse, Redirect, Response};
use countersign_core::{app::App, error::Error};
pub(crate) async fn show(_: &App, visit: &Visit, _: &Fields) -> Result<Response, Error> {
    Ok(Redirect::to(&visit.link("/challenge", &[])).into_response())
}
pub(crate) async fn answer(_: &App, visit: &Visit, _: &Fields, _: Once) -> Result<Response, Error> {
    Ok(Redirect::to(&visit.link("/challenge", &[])).into_response())
}
