//! Why a ceremony is refused: one variant a reason, in words for the developer who has to change something.

/// A refused registration, sign-in or policy. `Display` is safe to send: it quotes at most an origin or an identifier that
/// the sender gave.
///
/// The list is closed, so that a new check has to say here what it tells.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    // What was sent cannot be read.
    #[error("The credential is larger than 16 KB. Send what the browser or the system gave, and nothing else.")]
    TooLarge,
    #[error("{0} is not base64url. Send it as `toJSON()` of the credential gives it.")]
    NotBase64(&'static str),
    #[error("`type` of the credential is not \"public-key\". Send what `navigator.credentials` returned.")]
    NotPublicKey,
    #[error("`id` and `rawId` of the credential are not the same. Send both as the browser or the system gave them.")]
    TwoIds,
    #[error("clientDataJSON is not UTF-8 JSON with the texts `type`, `challenge` and `origin`. Send it unchanged.")]
    ClientData,
    #[error("{0} is not the CBOR that authenticators write (CTAP 2.1, section 8): {1}. Send it unchanged.")]
    Cbor(&'static str, &'static str),
    #[error("attestationObject is not a map of `fmt`, `attStmt` and `authData`. Send it unchanged.")]
    AttestationObject,
    #[error("The authenticator data is cut off, or has bytes that its flags do not announce. Send it unchanged.")]
    AuthenticatorData,

    // What was sent is of another ceremony.
    #[error(
        "`type` in clientDataJSON is not \"{0}\". Send a sign-in to the verify call, a new passkey to the enrol call."
    )]
    OtherCeremony(&'static str),
    #[error("The challenge is another than this ceremony's. Fetch new options, and answer them once.")]
    OtherChallenge,
    #[error(
        "The origin {0} is not one of this tenant's. Add it to the allowed origins, exactly as the browser names it; \
         an Android app's is `android:apk-key-hash:` and its certificate's SHA-256 in base64url."
    )]
    OtherOrigin(String),
    #[error(
        "The ceremony ran in a frame of another site, and this tenant allows none. Allow frames, and add the origin of \
         the page around it to the allowed top origins."
    )]
    InFrame,
    #[error("The page around the frame, {0}, is not one of this tenant's. Add it to the allowed top origins.")]
    OtherTopOrigin(String),
    #[error(
        "The browser did not name the page around the frame. Let this tenant accept that, or use a browser that sends \
         `topOrigin`."
    )]
    UnnamedTopOrigin,
    #[error("clientDataJSON names a page around a frame, and says that there is no frame. Send it unchanged.")]
    TopOriginWithoutFrame,
    #[error("The authenticator answered for another relying party than {0}. Use the `rp.id` of the options.")]
    OtherRelyingParty(String),

    // The authenticator did not do what was asked.
    #[error(
        "Nobody was present: the authenticator did not ask for a touch. Ask again, and not with conditional create."
    )]
    NotPresent,
    #[error(
        "The authenticator did not verify the user by PIN, fingerprint or face, which is required here. Send the \
         options unchanged, with `userVerification` \"required\"."
    )]
    NotVerified,
    #[error("The authenticator says that the credential is backed up and cannot be. Its maker has to mend that.")]
    BackedUpButNotEligible,
    #[error(
        "The credential was {0} when it was registered, and is not now. That never changes: register it again, and \
         remove this one."
    )]
    EligibilityChanged(&'static str),
    #[error(
        "The signature counter did not grow, so a copy of the security key may exist. Remove the key, and register \
         another."
    )]
    CounterDidNotGrow,

    // The new credential is not one that is taken.
    #[error("The algorithm {0} was not asked for. Send `pubKeyCredParams` of the options unchanged.")]
    OtherAlgorithm(i64),
    #[error("The public key cannot be used: {0}. Use another authenticator.")]
    Key(&'static str),
    #[error("Synced passkeys are not taken by this tenant. Use a security key, or a passkey that stays on its device.")]
    Synced,
    #[error(
        "Authenticators of the model {0} are not taken by this tenant. Use another, or change its lists of AAGUIDs."
    )]
    Model(String),
    #[error(
        "Attestation of the format {0} was not asked for and is refused by this tenant. Send `attestation` \"none\", or \
         let other formats be ignored."
    )]
    Attested(String),
    #[error("The format `none` has a statement, which it never has. Send attestationObject unchanged.")]
    AttestedNone,
    #[error("The credential's id is longer than 1,023 bytes, or empty. Use another authenticator.")]
    CredentialId,
    #[error("The authenticator data holds no new credential. Send the answer of `navigator.credentials.create`.")]
    NoCredential,
    #[error("The credential's id is another in the authenticator data. Send the answer unchanged.")]
    OtherId,

    // The sign-in is of somebody else.
    #[error("This credential was not one of those that were asked for. Fetch new options, and answer them.")]
    NotAskedFor,
    #[error("The credential is of another relying party, {0}. Register a new one: its relying party never changes.")]
    RegisteredElsewhere(String),
    #[error("The credential belongs to another user than `userHandle` names.")]
    OtherUser,
    #[error("`userHandle` is missing, and nobody said before who signs in. Use a discoverable credential (a passkey).")]
    NoUser,
    #[error("The signature is not by this credential over this ceremony. Send the answer unchanged.")]
    Signature,

    // A policy that cannot work.
    #[error(
        "{0} cannot be a relying party's id: it is a domain such as `example.com`, or `localhost`, in lower case, \
         without scheme and port, and not an IP address."
    )]
    RelyingPartyId(String),
    #[error(
        "{0} is not an origin: `https://host`, with a port where it is not 443; `http://localhost:3000`; or \
         `android:apk-key-hash:` and the certificate's SHA-256 in base64url without padding (43 characters; \
         `keytool` prints it in hexadecimal)."
    )]
    Origin(String),
    #[error(
        "{0} is not under the relying party's domain {1}. List it among the related origins, or take a domain under it."
    )]
    UnrelatedOrigin(String, String),
    #[error("{0} is not an AAGUID, such as ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4.")]
    Aaguid(String),
}
