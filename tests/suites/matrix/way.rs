//! The rows: every way to succeed an action, to be handed a token, to add, change or show something of a user.

use countersign_core::method::Method;

/// An enum that knows all of its variants.
macro_rules! listed {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$each])* $variant),+ }
        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),+];
        }
    };
}
pub(crate) use listed;

listed! {
    /// One way, from an honest beginning to its last call.
    Way {
        // An action succeeds.
        Totp, TotpOnPage, FirstTotp, FirstTotpOnPage, RecoveryOnPage, Push, PushWithNumber, PushOnPage,
        QrAnonymous, QrOfUser, QrOnPage, InAppAnonymous, InAppTracked, InAppOfUser, Patch,
        // A success is handed out, or believed.
        RepeatTotp, PollPush, PollPushOnPage, PollQrAnonymous, PollQrOfUser, PollQrOnPage, RepeatInApp,
        RepeatInAppOfUser, TrackAgain, Validate, AskAnew,
        TrackFromLaptop,
        // Something is added.
        AddTotp, AddTotpByScope, AddTotpOnPage, AddPush, AddQrCode, AddInApp, FirstPush, FirstQrCode, FirstInApp,
        AddTotpByBackend, AddMailByBackend, FirstPushByLink, AddPushByLink,
        // Something is changed or removed.
        Rename, MakePrimary, Remove, ForgetDevice, NewCodes, CodesAgain, KeepCodes, FirstCodes, RemoveByBackend, PrimaryByBackend, RemovePush,
        RemoveQrCode, RemoveInApp, UpdatePush,
        // Something is shown.
        ListOpen, ListConfirmed, ListNew, SettingsConfirmed, SettingsNew, SetUpNew, SetUpConfirmed, ChallengePage,
        Pending, PushCredential, QrCodeCredential, InAppCredential, ListByBackend, UserByBackend, UsersByBackend,
        ActionsByBackend, ActionByBackend, DevicesByBackend, Receipt,
    }
}

/// What a way does where it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Succeeds,
    HandsOut,
    Adds,
    Changes,
    Shows,
}

/// As who, or with what, the last call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum With {
    /// The token of a user with nothing enrolled.
    New,
    /// A tracked action that waits for an answer.
    Open,
    /// The token of a success of just now.
    Proof,
    /// Nothing but a device: it makes the action.
    DeviceMade,
    /// A success that was there before.
    Success,
    /// The key of a device, about the device itself.
    Device,
    /// The customer's backend, about the user.
    Backend,
}

impl Way {
    pub fn does(self) -> Does {
        use Way::*;
        match self {
            Totp | TotpOnPage | FirstTotp | FirstTotpOnPage | RecoveryOnPage | Push | PushWithNumber | PushOnPage
            | QrAnonymous | QrOfUser | QrOnPage | InAppAnonymous | InAppTracked | InAppOfUser | Patch => Does::Succeeds,
            RepeatTotp | PollPush | PollPushOnPage | PollQrAnonymous | PollQrOfUser | PollQrOnPage | RepeatInApp
            | RepeatInAppOfUser | TrackAgain | Validate | AskAnew | TrackFromLaptop => Does::HandsOut,
            AddTotp | AddTotpByScope | AddTotpOnPage | AddPush | AddQrCode | AddInApp | FirstPush | FirstQrCode
            | FirstInApp | AddTotpByBackend | AddMailByBackend | FirstPushByLink | AddPushByLink => Does::Adds,
            Rename | MakePrimary | Remove | ForgetDevice | NewCodes | CodesAgain | KeepCodes | FirstCodes
            | RemoveByBackend | PrimaryByBackend | RemovePush | RemoveQrCode | RemoveInApp | UpdatePush => {
                Does::Changes
            }
            ListOpen | ListConfirmed | ListNew | SettingsConfirmed | SettingsNew | SetUpNew | SetUpConfirmed
            | ChallengePage | Pending | PushCredential | QrCodeCredential | InAppCredential | ListByBackend
            | UserByBackend | UsersByBackend | ActionsByBackend | ActionByBackend | DevicesByBackend | Receipt => {
                Does::Shows
            }
        }
    }

    pub fn with(self) -> With {
        use Way::*;
        match self {
            FirstTotp | FirstTotpOnPage | FirstPush | FirstQrCode | FirstInApp | FirstPushByLink | FirstCodes
            | ListNew | SettingsNew | SetUpNew => With::New,
            Totp | TotpOnPage | RecoveryOnPage | Push | PushWithNumber | PushOnPage | QrOfUser | InAppTracked
            | InAppOfUser | Patch | AddTotpByScope | ListOpen | ChallengePage | Pending => With::Open,
            QrAnonymous | QrOnPage | InAppAnonymous => With::DeviceMade,
            RepeatTotp | PollPush | PollPushOnPage | PollQrAnonymous | PollQrOfUser | PollQrOnPage | RepeatInApp
            | RepeatInAppOfUser | TrackAgain | Validate => With::Success,
            AddTotp | AddTotpOnPage | AddPush | AddQrCode | AddInApp | Rename | MakePrimary | Remove | ForgetDevice
            | NewCodes | CodesAgain | KeepCodes | AddPushByLink | AskAnew | ListConfirmed | SettingsConfirmed
            | SetUpConfirmed => With::Proof,
            RemovePush | RemoveQrCode | RemoveInApp | UpdatePush | PushCredential | QrCodeCredential
            | InAppCredential => With::Device,
            AddTotpByBackend | AddMailByBackend | RemoveByBackend | PrimaryByBackend | ListByBackend
            | UserByBackend | UsersByBackend | ActionsByBackend | ActionByBackend | DevicesByBackend | Receipt
            | TrackFromLaptop => With::Backend,
        }
    }

    /// The method that answers, is enrolled, or is made.
    pub fn method(self) -> Option<Method> {
        // No wildcard for methods: see `ways_of`.
        METHODS.iter().copied().find(|method| ways_of(*method).contains(&self))
    }

    /// The last call goes through a form or a page.
    pub fn is_on_page(self) -> bool {
        use Way::*;
        matches!(
            self,
            TotpOnPage
                | FirstTotpOnPage
                | RecoveryOnPage
                | PushOnPage
                | PollPushOnPage
                | AddTotpOnPage
                | Rename
                | MakePrimary
                | Remove
                | ForgetDevice
                | NewCodes
                | CodesAgain
                | KeepCodes
                | FirstCodes
                | FirstPushByLink
                | AddPushByLink
                | AskAnew
                | SettingsConfirmed
                | SettingsNew
                | SetUpNew
                | SetUpConfirmed
                | ChallengePage
        )
    }

    /// The last call is made with a user token, of a form or in the header.
    pub fn carries_token(self) -> bool {
        use Way::*;
        self.is_on_page() && self != PushOnPage
            || matches!(
                self,
                Totp | RepeatTotp
                    | FirstTotp
                    | AddTotp
                    | AddTotpByScope
                    | PollPush
                    | InAppOfUser
                    | RepeatInAppOfUser
                    | AddPush
                    | AddQrCode
                    | AddInApp
                    | FirstPush
                    | FirstQrCode
                    | FirstInApp
                    | ListOpen
                    | ListConfirmed
                    | ListNew
            )
    }

    /// What a device has to answer, within its two minutes.
    pub fn has_challenge(self) -> bool {
        use Way::*;
        matches!(
            self,
            Push | PushWithNumber
                | PushOnPage
                | QrAnonymous
                | QrOfUser
                | QrOnPage
                | InAppAnonymous
                | InAppTracked
                | InAppOfUser
                | Pending
                | UpdatePush
        )
    }

    /// Whether the page of what the user has is where it ends.
    pub fn leads_to_settings(self) -> bool {
        use Way::*;
        matches!(
            self,
            Rename
                | MakePrimary
                | Remove
                | ForgetDevice
                | NewCodes
                | CodesAgain
                | KeepCodes
                | AskAnew
                | SettingsConfirmed
                | SettingsNew
                | SetUpConfirmed
        )
    }

    /// The operations of the API that the way goes through, by their ids.
    pub fn operations(self) -> &'static [&'static str] {
        use Way::*;
        match self {
            Totp | RepeatTotp => &["verifyTotp"],
            TotpOnPage | RecoveryOnPage => &["answerChallenge"],
            FirstTotpOnPage | AddTotpOnPage => &["showSetUp", "answerSetUp"],
            FirstTotp | AddTotp | AddTotpByScope => &["enrollTotp", "verifyTotp"],
            Push | PushWithNumber => &["challengePush", "answerPush"],
            PushOnPage => &["answerChallenge", "answerPush"],
            QrOnPage => &["answerQrCodePage", "claimQrCode", "answerQrCode"],
            PollQrOnPage => &["showQrCodePage"],
            QrAnonymous | QrOfUser => &["challengeQrCode", "claimQrCode", "answerQrCode"],
            InAppAnonymous | InAppTracked | InAppOfUser | RepeatInApp | RepeatInAppOfUser => {
                &["beginChallenge", "verifyInApp"]
            }
            Patch => &["updateAction"],
            PollPush => &["verifyPush"],
            PollQrAnonymous | PollQrOfUser => &["verifyQrCode"],
            TrackAgain | TrackFromLaptop => &["track"],
            Validate => &["validateChallenge"],
            AddPush | FirstPush => &["enrollPush"],
            AddQrCode | FirstQrCode => &["enrollQrCode"],
            AddInApp | FirstInApp => &["enrollInApp"],
            AddTotpByBackend | AddMailByBackend => &["enrollVerifiedAuthenticator"],
            RemoveByBackend => &["deleteAuthenticator"],
            PrimaryByBackend => &["updateAuthenticator"],
            RemovePush => &["removePushCredential"],
            RemoveQrCode => &["removeQrCodeCredential"],
            RemoveInApp => &["removeInAppCredential"],
            UpdatePush => &["signPushUpdate", "updatePushCredential"],
            ListOpen | ListConfirmed | ListNew => &["getOwnAuthenticators"],
            Pending => &["signPendingPush", "getPendingPush"],
            PushCredential => &["getPushCredential"],
            QrCodeCredential => &["getQrCodeCredential"],
            InAppCredential => &["getInAppCredential"],
            ListByBackend => &["getAuthenticators"],
            UserByBackend => &["getUser"],
            UsersByBackend => &["queryUsers"],
            ActionsByBackend => &["queryUserActions"],
            ActionByBackend => &["getAction"],
            DevicesByBackend => &["listDevices"],
            Receipt => &["getReceipt"],
            FirstPushByLink | AddPushByLink => &["showSetUp", "redeemPairing", "answerSetUp"],
            FirstCodes | SetUpNew | SetUpConfirmed => &["showSetUp"],
            Rename | MakePrimary | Remove | ForgetDevice | NewCodes | CodesAgain | KeepCodes | AskAnew => {
                &["answerSettings"]
            }
            SettingsConfirmed | SettingsNew => &["showSettings"],
            PollPushOnPage | ChallengePage => &["showChallenge"],
        }
    }

    /// What the form of the last call is named by (`act`), where its page has several.
    pub fn act(self) -> Option<&'static str> {
        use Way::*;
        match self {
            Rename => Some("rename"),
            MakePrimary => Some("primary"),
            Remove => Some("remove"),
            ForgetDevice => Some("forget"),
            NewCodes | CodesAgain => Some("codes"),
            KeepCodes => Some("kept"),
            AskAnew => Some("again"),
            FirstCodes => Some("paired"),
            FirstPushByLink | AddPushByLink => Some("pair"),
            _ => None,
        }
    }
}

/// The ways of a method. A method that is added to the product does not compile here until it has some, or none.
pub fn ways_of(method: Method) -> &'static [Way] {
    use Way::*;
    match method {
        Method::AuthenticatorApp => &[
            Totp,
            TotpOnPage,
            FirstTotp,
            FirstTotpOnPage,
            RepeatTotp,
            AddTotp,
            AddTotpByScope,
            AddTotpOnPage,
            AddTotpByBackend,
            SetUpNew,
            SetUpConfirmed,
        ],
        Method::Push => &[
            Push,
            PushWithNumber,
            PushOnPage,
            PollPush,
            PollPushOnPage,
            AddPush,
            FirstPush,
            AddPushByLink,
            FirstPushByLink,
            RemovePush,
            UpdatePush,
            Pending,
            PushCredential,
        ],
        Method::RecoveryCode => &[RecoveryOnPage, NewCodes, CodesAgain, KeepCodes, FirstCodes],
        Method::QrCode => &[
            QrAnonymous,
            QrOfUser,
            QrOnPage,
            PollQrAnonymous,
            PollQrOfUser,
            PollQrOnPage,
            AddQrCode,
            FirstQrCode,
            RemoveQrCode,
            QrCodeCredential,
        ],
        Method::InApp => &[
            InAppAnonymous,
            InAppTracked,
            InAppOfUser,
            RepeatInApp,
            RepeatInAppOfUser,
            AddInApp,
            FirstInApp,
            RemoveInApp,
            InAppCredential,
        ],
        // An address that the backend has verified; nobody answers with it.
        Method::EmailOtp => &[AddMailByBackend],
        // The same call and the same code as for an address.
        Method::Sms | Method::EmailMagicLink => &[],
        // Neither enrolled nor answered here: `Method::answering()` lacks them.
        Method::Passkey
        | Method::SecurityKey
        | Method::Veriff
        | Method::Iproov
        | Method::Idverse
        | Method::PalmBiometricsRr
        | Method::Device
        | Method::WhatsApp => &[],
    }
}

/// Those that may stand in a row: that each of `Method::answering()` does is tested.
const METHODS: [Method; 6] =
    [Method::AuthenticatorApp, Method::Push, Method::RecoveryCode, Method::QrCode, Method::InApp, Method::EmailOtp];
