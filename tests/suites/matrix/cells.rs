//! What is right in each cell: which way meets which reason, and what then.

use countersign_core::method::Method;

use super::{
    reason::Reason,
    way::{Does, Way, With},
};

/// What is right where a way meets a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Refused; nothing of the user is written, and nothing given away.
    Refused,
    /// It goes on, because …
    Goes(&'static str),
    /// There is no such case, because …
    NotApplicable(&'static str),
}

use Cell::{Goes, NotApplicable, Refused};
use Way::*;

const NO_ACTION: Cell = NotApplicable("the call is about no action");
const NO_SUCCESS: Cell = NotApplicable("there is no success to hand out: the way that succeeds has this cell");
const FINAL: Cell = NotApplicable("the action has succeeded, and that is final");
const DECIDED: Cell = Goes("what was decided in time stays decided");
const WORD: Cell = NotApplicable("the backend says so itself, whatever the user could do");
const NOTHING_YET: Cell = NotApplicable("the user has nothing that could be shown");
const NOT_TRACKED: Cell = NotApplicable("nothing is tracked before: the column without `since` has this cell");
const SPOKEN: Cell = Goes("the rules spoke when it was tracked");
const ASKS: Cell = NotApplicable("it makes an action that has to be answered; each way to answer has this cell");
const READS: Cell = NotApplicable("it only reads; each way to answer has this cell");

pub fn cell(way: Way, reason: Reason) -> Cell {
    use Reason::*;
    match reason {
        BlockedByDefault | BlockedByRule => admitted(way, Refused),
        ReviewByDefault | ReviewByRule => admitted(way, Goes("the backend ends a review (contract, S12)")),
        BlockRuleSinceTracked if way.with() == With::DeviceMade => NOT_TRACKED,
        // Their actions are made by the answer too.
        BlockRuleSinceTracked if matches!(way, PollQrAnonymous | PollQrOnPage | RepeatInApp) => NOT_TRACKED,
        BlockRuleSinceTracked | BlockRuleSinceBegun | BlockDefaultSinceBegun => blocked_since(way),
        UnjudgedBlockRule | UnjudgedReviewRule | UnjudgedBlockRuleSinceBegun => match way.with() {
            With::DeviceMade => Refused,
            _ => NotApplicable("a backend has said what the rule asks about, and is judged by it"),
        },
        Failed | ReviewFailed => failed(way),
        Succeeded => succeeded(way),
        Denied => denied(way),
        Expired => expired(way),
        ChallengeExpired if way.has_challenge() => Refused,
        ChallengeExpired => NotApplicable("no device is asked"),
        MethodOff => method_off(way),
        MethodOffSinceTracked | MethodOffSinceBegun => since(way, reason, method_off(way)),
        OtherMethods | RuleOfOtherMethods => other_methods(way),
        OtherMethodsSinceTracked
        | OtherMethodsSinceBegun
        | RuleOfOtherMethodsSinceTracked
        | RuleOfOtherMethodsSinceBegun => since(way, reason, other_methods(way)),
        Deleted | AnotherLife => another_life(way, reason),
        ResetSinceTracked | ResetSinceBegun | ResetAndEnrolledAgain => reset(way, reason),
        AuthenticatorRemoved | RemovedByOwnerSince => removed(way),
        RemovedItself => removed_itself(way),
        AnotherRemoved => another_removed(way),
        RemovedByOneself => match (way.with(), way) {
            (With::Proof, _) | (_, Validate | TrackAgain) => Goes("whoever removes one of their own goes on"),
            _ => NotApplicable("it needs the token of a success in hand"),
        },
        OtherUser => other_user(way),
        OtherAction => other_action(way),
        OtherTenant => other_tenant(way),
        Unanswered | LetThrough => unproved(way),
        AppEnrolledSinceTracked | PhoneEnrolledSinceTracked | EnrolledByBackendSinceTracked => match way.with() {
            With::New => Refused,
            _ => NotApplicable("the user was enrolled when the token was given"),
        },
        AppEnrolledSinceBegun => match way {
            FirstCodes => NotApplicable("the token's action has enrolled the first by then: entitled is who did"),
            _ if way.with() == With::New => Refused,
            _ => NotApplicable("the user was enrolled when the token was given"),
        },
    }
}

/// An action that is blocked or under review opens nothing; of the backend's own word it depends on which.
fn admitted(way: Way, of_backend: Cell) -> Cell {
    match (way.with(), way) {
        (_, Patch) => of_backend,
        (_, ListNew | SettingsNew) => NOTHING_YET,
        (With::New | With::Open | With::Proof | With::DeviceMade, _) => Refused,
        (With::Success, _) => NO_SUCCESS,
        (With::Device | With::Backend, _) => NO_ACTION,
    }
}

/// A rule that blocks was made while the action was open: what a device makes is asked of it again before anything is
/// accepted. Of what was tracked the rules have spoken, with data of that moment.
fn blocked_since(way: Way) -> Cell {
    match (way.with(), way) {
        (With::New | With::Open, _)
            if !matches!(way, ListNew | SettingsNew | FirstCodes | ListOpen | ChallengePage | Pending | Patch) =>
        {
            SPOKEN
        }
        (_, Patch) => WORD,
        // It makes another action, of which the rules are asked as they are then.
        (_, AskAnew) => Refused,
        (_, ListNew | SettingsNew) => NOTHING_YET,
        (_, FirstCodes) => NotApplicable("the enrolment was completed in time, and they belong to it"),
        (_, ListOpen | ChallengePage | Pending) => READS,
        (With::New | With::Open | With::DeviceMade, _) => Refused,
        (With::Success | With::Proof, _) => DECIDED,
        (With::Device | With::Backend, _) => NO_ACTION,
    }
}

fn failed(way: Way) -> Cell {
    match (way.with(), way) {
        (_, ListNew | SettingsNew) => NOTHING_YET,
        (_, Pending) => READS,
        (With::New | With::Open, _) => Refused,
        (With::DeviceMade, _) => NotApplicable("the action is made by the answer: there is none that could be over"),
        (With::Success | With::Proof, _) => FINAL,
        (With::Device | With::Backend, _) => NO_ACTION,
    }
}

/// The backend says that the action has succeeded before the user has answered.
fn succeeded(way: Way) -> Cell {
    match (way.with(), way) {
        (_, Patch) => Goes("the state that it has already is no change"),
        (_, ListOpen) => Goes("a token of a success may list"),
        (_, Pending) => READS,
        (_, ChallengePage) => Refused,
        (_, ListNew | SettingsNew) => NOTHING_YET,
        (_, FirstCodes) => NotApplicable("the backend's word is no proof: codes wait for the next one"),
        (With::New, _) | (_, AddTotpByScope) => Goes("the token of a success may enrol"),
        (With::Open, _) => Refused,
        (With::DeviceMade, _) => NotApplicable("the action is made by the answer: there is none that could be over"),
        (With::Success | With::Proof, _) => FINAL,
        (With::Device | With::Backend, _) => NO_ACTION,
    }
}

/// The user's device has said no.
fn denied(way: Way) -> Cell {
    match way {
        Push | PushWithNumber | PushOnPage | QrAnonymous | QrOfUser | QrOnPage | Pending => Refused,
        InAppAnonymous | InAppTracked | InAppOfUser => {
            NotApplicable("an app that began a question has no call to deny it")
        }
        _ if way.does() == Does::HandsOut => FINAL,
        _ => NotApplicable("no device is asked"),
    }
}

fn expired(way: Way) -> Cell {
    match (way.with(), way) {
        (_, Patch) => Goes("the backend ends an action whenever it knows how"),
        (_, UpdatePush) => Refused,
        (With::Device | With::Backend, _) => NotApplicable("the call carries nothing that ends"),
        _ => Refused,
    }
}

/// A method that is switched off neither enrols nor answers.
fn method_off(way: Way) -> Cell {
    match (way.method(), way.does(), way) {
        (Some(Method::EmailOtp), ..) => NotApplicable("an address has no switch: nobody answers with it"),
        (_, _, SetUpNew | SetUpConfirmed) => Refused,
        (_, Does::Shows, _) => READS,
        (_, _, AskAnew) => ASKS,
        (_, Does::HandsOut, _) => NO_SUCCESS,
        (_, _, RemovePush | RemoveQrCode | RemoveInApp | UpdatePush | KeepCodes) => {
            NotApplicable("it neither enrols nor answers; taking a key or old codes away is always right")
        }
        (Some(_), ..) => Refused,
        (None, ..) => NotApplicable("no method takes part"),
    }
}

/// The action, or its rule, names methods among which this one is not.
fn other_methods(way: Way) -> Cell {
    match (way.does(), way) {
        (_, Patch) => WORD,
        (Does::Succeeds, _) => Refused,
        (_, AddTotpByScope) => Refused,
        (_, AskAnew) => ASKS,
        (Does::HandsOut, _) => NO_SUCCESS,
        (Does::Adds, _) => {
            NotApplicable("what is added succeeds nothing: the methods of an action are those that answer it")
        }
        (Does::Changes | Does::Shows, _) => NotApplicable("nothing is answered by it"),
    }
}

/// The same reason, come about later: what had succeeded by then stays.
fn since(way: Way, reason: Reason, before: Cell) -> Cell {
    use Reason::{
        MethodOffSinceTracked, OtherMethodsSinceTracked, RuleOfOtherMethodsSinceBegun, RuleOfOtherMethodsSinceTracked,
    };
    let is_since_tracked =
        matches!(reason, MethodOffSinceTracked | OtherMethodsSinceTracked | RuleOfOtherMethodsSinceTracked);
    match way.with() {
        // A method that answers no more does not say again that it has.
        With::Success
            if matches!(way, RepeatTotp | RepeatInApp | RepeatInAppOfUser)
                && !matches!(reason, RuleOfOtherMethodsSinceBegun)
                && !is_since_tracked =>
        {
            Refused
        }
        With::Success if !is_since_tracked => DECIDED,
        With::DeviceMade if is_since_tracked => NOT_TRACKED,
        With::New | With::Open if matches!(reason, RuleOfOtherMethodsSinceTracked | RuleOfOtherMethodsSinceBegun) => {
            match before {
                Refused => SPOKEN,
                other => other,
            }
        }
        _ => before,
    }
}

/// The user was deleted; another of the same name may be there since.
fn another_life(way: Way, reason: Reason) -> Cell {
    match way {
        TrackFromLaptop if reason == Reason::Deleted => NotApplicable("with nothing enrolled nobody is asked"),
        AddTotpByBackend | AddMailByBackend => Goes("a backend enrols whom it wants, and makes the user"),
        Receipt => NotApplicable("what a device signed stays a proof of it"),
        _ => Refused,
    }
}

/// The backend has removed the last authenticator: tokens and open actions from before are dead.
fn reset(way: Way, reason: Reason) -> Cell {
    match (way.with(), way) {
        (_, Patch) => WORD,
        (_, TrackFromLaptop) if reason == Reason::ResetAndEnrolledAgain => Refused,
        (_, TrackFromLaptop) => NotApplicable("with nothing enrolled nobody is asked"),
        (_, AddTotpByBackend | AddMailByBackend) => Goes("that is how the user gets in again"),
        (_, ListByBackend) if reason == Reason::ResetAndEnrolledAgain => NotApplicable("it shows what there is again"),
        (_, RemoveByBackend | PrimaryByBackend | ListByBackend) => Refused,
        (With::Backend, _) => NotApplicable("a reset takes authenticators away, and nothing else"),
        (With::Success | With::DeviceMade, _) if reason == Reason::ResetSinceTracked => NOT_TRACKED,
        (With::Device, _) if reason == Reason::ResetSinceTracked => NOT_TRACKED,
        _ => Refused,
    }
}

/// The one that answers, has answered, or is spoken of was removed, by the backend or by another action of its owner; the
/// others are still there.
fn removed(way: Way) -> Cell {
    match (way.with(), way) {
        (_, RecoveryOnPage) => NotApplicable("recovery codes are no authenticator; a reset ends them"),
        (_, Patch) => WORD,
        (_, Pending | RemoveByBackend | PrimaryByBackend) => Refused,
        (With::New, _) => NotApplicable("the user has none"),
        (_, AddTotpByScope | ListOpen | ChallengePage) => NotApplicable("the token owes nothing to any of them"),
        (With::Backend, _) => NotApplicable("it speaks of none"),
        _ => Refused,
    }
}

/// The same by the device itself.
fn removed_itself(way: Way) -> Cell {
    let is_of_device = match way.with() {
        With::Proof => way.method() == Some(Method::AuthenticatorApp),
        With::Backend => true,
        _ => way.method().is_some_and(Method::is_of_device),
    };
    if is_of_device { removed(way) } else { NotApplicable("an authenticator app has no call to remove itself") }
}

fn another_removed(way: Way) -> Cell {
    match way.with() {
        With::New => NotApplicable("the user has none"),
        _ => Goes("removing one of several ends only what is of that one"),
    }
}

fn other_user(way: Way) -> Cell {
    match way {
        InAppAnonymous | InAppTracked => NotApplicable("whose device answers is who signs in"),
        FirstPush | FirstQrCode | FirstInApp | AddPush | AddQrCode | AddInApp => {
            NotApplicable("a key becomes the key of the token's user")
        }
        SetUpNew | SetUpConfirmed | ChallengePage => NotApplicable("the page is of the token's user"),
        SettingsNew | ListNew => NOTHING_YET,
        TrackFromLaptop => Refused,
        NewCodes | CodesAgain => NotApplicable("the codes are of the token's user"),
        AskAnew => NotApplicable("the page is of the token's user"),
        PushCredential | QrCodeCredential | InAppCredential => {
            NotApplicable("whoever knows a public key may ask what is known of it (contract, C31)")
        }
        _ if way.with() == With::Backend => NotApplicable("the backend names the user"),
        _ => Refused,
    }
}

fn other_action(way: Way) -> Cell {
    match way {
        TotpOnPage | FirstTotp | FirstTotpOnPage | RecoveryOnPage | QrOfUser | InAppOfUser | RepeatTotp
        | RepeatInAppOfUser | PollPush | PollPushOnPage | Validate | AddTotp | AddTotpOnPage | AddTotpByScope
        | Rename | MakePrimary | Remove | ForgetDevice | NewCodes | CodesAgain | KeepCodes | FirstCodes | AskAnew
        | FirstPushByLink | AddPushByLink => Refused,
        Totp => NotApplicable("a code answers whichever open action its user's token is of"),
        Patch => NotApplicable("the backend names the action"),
        _ => NotApplicable("nothing in it was begun for one action"),
    }
}

fn other_tenant(way: Way) -> Cell {
    match way {
        FirstPush | FirstQrCode | FirstInApp | AddPush | AddQrCode | AddInApp | AddTotpByBackend | AddMailByBackend => {
            NotApplicable("another tenant enrols users of its own")
        }
        TrackFromLaptop => NotApplicable("its user of that name has nothing enrolled"),
        SetUpNew | SetUpConfirmed | ChallengePage => NotApplicable("the page is of the token's user"),
        ListNew | SettingsNew => NOTHING_YET,
        _ => Refused,
    }
}

/// The token is of an action that nobody has answered, or that was let through.
fn unproved(way: Way) -> Cell {
    match way {
        ListConfirmed => NotApplicable("listing is for every token (decision 0009); `ListOpen` has it"),
        _ if way.with() == With::Proof => Refused,
        _ => NotApplicable("it needs no proof, or is the proof"),
    }
}
