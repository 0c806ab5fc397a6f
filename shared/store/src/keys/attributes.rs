//! The attributes of the items, listed once. Their names are short, because a write bills the whole item.
//!
//! Items are written and read by these constants alone. Update and condition expressions write the names inline, because
//! they are read more easily so; `tests/suites/architecture/attributes.rs` refuses a name there that is not listed here.

use std::fmt;

/// The name of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute(&'static str);

impl Attribute {
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl From<Attribute> for String {
    fn from(attribute: Attribute) -> Self {
        attribute.0.into()
    }
}

macro_rules! attributes {
    ($( #[doc = $holds:literal] $constant:ident = $name:literal; )+) => {
        $( #[doc = $holds] pub(crate) const $constant: Attribute = Attribute($name); )+
        /// All of them: the constant, and the name in the table.
        pub const ALL: &[(&str, Attribute)] = &[$( (stringify!($constant), $constant) ),+];
    };
}

attributes! {
    /// Partition key of every item.
    PK = "pk";
    /// Sort key of every item.
    SK = "sk";
    /// Unix seconds from which DynamoDB may sweep the item; nothing is decided by it.
    TTL = "ttl";
    /// What is written and read whole, as JSON text: the part of an item that has no attributes of its own.
    DOCUMENT = "doc";
    /// Version that the next write must find: profile, what rules remember, tenant, rule, list, look, requirement.
    VERSION = "ver";
    /// Era of the user that the item belongs to: user, and all that a user has.
    UID = "uid";
    /// Life of an action configuration: on itself, and on its rules.
    LIFE = "cid";
    /// How far it has come: action, challenge, pairing.
    STATE = "st";
    /// From then on nothing answers it, in milliseconds: action, challenge, pairing.
    EXPIRES_AT = "exp";
    /// When it was first seen, in milliseconds: user, device of a user.
    CREATED_AT = "cre";
    /// When a challenge was decided, a pairing confirmed, recovery codes made, an event happened, in milliseconds.
    AT = "at";
    /// Id of the user that it is about: challenge, credential, pairing.
    USER_ID = "us";
    /// Id of the authenticator that it led to: credential, pairing.
    AUTHENTICATOR_ID = "aid";
    /// Id of an action on its item; id of the app that is being enrolled, in `PENDING`.
    ID = "id";

    /// Users: the part of the index that lists the user. Absent in items from before there was an index.
    SHARD = "ux";
    /// Users: 1 where something is enrolled that can be asked for, as the index shows it.
    IS_ENROLLED = "enr";
    /// Users: the day on which a user with nothing enrolled was last here, as the index shows it.
    SEEN = "seen";
    /// Users: the enrolled apps, a map from their ids to `SEALED`, `STEP`, `ACTION` and `TIME`.
    TOTP = "totp";
    /// Users: the other authenticators, a map from their ids to their methods.
    SECRETLESS = "att";
    /// Users: the app that was given out and is not confirmed yet, a map.
    PENDING = "pend";
    /// Users: names of the required actions that are to be finished, a set.
    REQUIRED = "req";
    /// Users: what was taken away of late, a map from authenticators to milliseconds; `*` stands for all of them.
    REVOKED = "rv";
    /// Users: the actions that took it away and go on, a map with the same keys.
    GOES_ON = "rx";
    /// Users: devices that no push reaches, a set of their ids.
    UNREACHABLE = "ur";
    /// Users: pushes of late, a map from challenges to when they were sent; negative once answered.
    PUSHES = "ps";
    /// Users: Unix seconds until which no push is sent, because the user said "not me".
    QUIET_UNTIL = "pq";
    /// Users: of several devices, the one that is asked first.
    PRIMARY = "prim";
    /// Users: the method that is asked first.
    DEFAULT_METHOD = "def";
    /// Users: Unix seconds at which a device denied a push last.
    DENIED_AT = "pd";
    /// Users: devices on which a number can be typed, a set of their ids.
    TAKES_NUMBERS = "tn";
    /// Users: how many recovery codes are left, as far as that is known; below zero where it is not.
    CODES_LEFT = "rc";
    /// Users: guesses at short codes that count, a map from attempts to milliseconds.
    CODE_GUESSES = "g";
    /// Users: failures at short codes since a success.
    CODE_FAILURES = "ft";
    /// Users: guesses from remembered devices, as `CODE_GUESSES`.
    REMEMBERED_GUESSES = "gm";
    /// Users: failures from remembered devices since a success.
    REMEMBERED_FAILURES = "fm";
    /// Users: guesses at numbers on devices, as `CODE_GUESSES`.
    NUMBER_GUESSES = "gn";
    /// Users: failures at numbers on devices since a success.
    NUMBER_FAILURES = "fn";
    /// Users: guesses at recovery codes, as `CODE_GUESSES`.
    RECOVERY_GUESSES = "gr";
    /// Users: failures at recovery codes since a success.
    RECOVERY_FAILURES = "fr";

    /// In `TOTP` and `PENDING`: the sealed secret.
    SEALED = "k";
    /// In `TOTP`: the last step that was accepted.
    STEP = "s";
    /// In `TOTP`: id of the action that this step succeeded. In `PENDING`: of the action whose token enrols.
    ACTION = "a";
    /// In `TOTP`: Unix seconds at which the step was accepted. In `PENDING`: when it was given out, in milliseconds.
    TIME = "t";
    /// In `PENDING`: 1 where the user had nothing enrolled.
    IS_FIRST = "f";
    /// In `PENDING`: the authenticator whose success entitles to it.
    ENTITLED_BY = "v";
    /// In `PENDING`: what the owner calls it.
    NAME = "n";

    /// Actions: when the state changed last, in milliseconds.
    STATE_CHANGED_AT = "sta";
    /// Actions: names of the methods that may answer, a set.
    ALLOWED_METHODS = "am";
    /// Actions: the device that its token enrolled as the user's first.
    ENROLLED = "en";
    /// Actions: the method that verified it.
    VERIFIED_METHOD = "vm";
    /// Actions: the authenticator that verified it.
    VERIFIED_BY = "va";
    /// Actions: when it was verified, in milliseconds.
    VERIFIED_AT = "vt";
    /// Actions: what an approval on a device was worth, as JSON text.
    STRENGTH = "vs";

    /// Challenges: the device that has claimed a code.
    CLAIMED_BY = "cl";
    /// Challenges: the device that decided.
    DECIDED_BY = "by";
    /// Challenges: what the device signed, as JSON text.
    RECEIPT = "rcpt";

    /// Authenticators: when it verified last, in milliseconds.
    LAST_VERIFIED_AT = "lv";
    /// Authenticators: where the push service knows the device.
    PUSH_TOKEN = "tok";
    /// Authenticators: ARN of the SNS endpoint of the push token.
    ENDPOINT = "ep";
    /// Authenticators: when the push service refused it for good, in milliseconds.
    ERRORED_AT = "err";
    /// Authenticators: how the push service called that.
    ERROR_CODE = "erc";

    /// Recovery codes: hashes of those that are left, a set.
    CODES = "codes";
    /// Recovery codes: those that were used, a map from hashes to the action that each succeeded.
    SPENT = "spent";
    /// Recovery codes: what the set is known by. Absent in sets from before forms could be sent again.
    CODE_SET = "cset";
    /// Recovery codes: 1 once the user has said that the set is kept.
    KEPT = "kept";
    /// Recovery codes: hashes of the set before this one, which is good until `OLD_UNTIL`, a set.
    OLD_CODES = "ocodes";
    /// Recovery codes: until when the set before this one is good, in milliseconds.
    OLD_UNTIL = "ountil";

    /// Devices of a user: what the backend calls it.
    DEVICE_ID = "did";
    /// Devices of a user: when an action of it was first let through, in milliseconds.
    LET_THROUGH_AT = "lt";
    /// Devices of a user: when an action of it was last succeeded by a method, in milliseconds.
    AUTHENTICATED_AT = "au";
    /// Devices of a user: that method. Users: the method that worked last.
    LAST_METHOD = "lvm";
    /// Devices of a user: when what is known of it was taken back, in milliseconds.
    INVALIDATED_AT = "inv";
    /// Devices of a user: until when it is remembered, in milliseconds.
    REMEMBERED_UNTIL = "rem";
    /// What rules remember: ids of actions that succeeded since it was written, a set.
    SUCCEEDED = "ok";

    /// Forms: names the write that spent the form. (`att` of a user is another attribute.)
    ATTEMPT = "att";
    /// What sources and strangers began: how much in this window.
    COUNT = "c";

    /// Pairings: the device that waits for its page's word, as JSON text.
    DEVICE = "dev";
    /// Id of an action. Pairings: of the one whose page made the link. Challenges: of the one that was decided. Codes: whose page made them.
    ACTION_ID = "act";
    /// Pairings: fingerprint of the key that used the link.
    FINGERPRINT = "fp";

    /// Action configurations: Unix seconds at which an action of this kind was last tracked.
    LAST_TRACKED = "last";
    /// Proof of readiness: when the table was last proved to take a write, in milliseconds.
    PROVED = "proved";
}
