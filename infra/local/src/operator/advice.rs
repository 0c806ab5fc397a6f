//! What to do about a call of AWS that failed.

/// Words of a cause, each with what its reader can do.
const ADVICE: [(&[&str], &str); 5] = [
    (
        &["loading credentials", "credentials provider", "no credentials"],
        "sign in to AWS first, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
    ),
    (
        &["dispatch failure", "timeout", "timed out"],
        "look whether AWS_REGION (--region) and AWS_ENDPOINT_URL (--endpoint-url) are right and this machine reaches AWS",
    ),
    (
        &["ExpiredToken", "UnrecognizedClient", "InvalidClientTokenId", "SignatureDoesNotMatch", "InvalidSignature"],
        "the credentials are over or of another account; sign in to AWS again",
    ),
    (&["AccessDenied", "NotAuthorized"], "use credentials that may operate the stack"),
    (
        &["NotFound", "NonExistentQueue", "QueueDoesNotExist"],
        "look whether AWS_REGION and the names are those of the stack's output OperatorEnvironment",
    ),
];

/// A cause, with what to do about it where that is known.
pub(super) fn with(cause: &str) -> String {
    let known = ADVICE.iter().find(|(words, _)| words.iter().any(|word| cause.contains(word)));
    known.map_or_else(|| cause.to_owned(), |(_, advice)| format!("{cause}; {advice}"))
}
