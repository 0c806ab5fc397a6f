use crate::{
    app::{App, UserCaller},
    clock::Timestamp,
    error::Error,
};
pub fn name(text: &str) -> Result<String, Error> {
    Ok(text.to_owned())
}
pub async fn first_recovery_codes(_: &App, _: &UserCaller, _: Timestamp) -> Result<Option<Vec<String>>, Error> {
    Ok(None)
}
