### What the hosted pages say. A group is a screen; the last word of an id is its role, and bounds its length:
### heading, button, link, label, hint, alt, status, error, text. Tenants may override each (contract, M23-M25).

## screen: every page

quit-link = Cancel and go back
form-used-error = This form was sent already, so nothing was done twice. This is how things stand now.
facts-label = What you confirm
facts-account-label = Account
facts-tenant-label = Asked by
facts-sign-in-label = Sign-in
facts-yes-label = Yes
facts-no-label = No
slow-error = No answer has come yet. You can send it again.
offline-error = You are offline. Nothing was sent; try again once you are connected.

## screen: challenge

challenge-heading = Confirm that it is you
challenge-code-text = Type the code that your authenticator app shows for { $tenant }.
challenge-code-label = Code
challenge-continue-button = Continue
challenge-ways-heading = Another way
challenge-app-link = Use a code of your authenticator app
challenge-phone-link = Approve on your phone
challenge-recovery-link = Use a recovery code
challenge-phone-text = Your phone will ask whether it is you. The next page shows a number to type there.
challenge-phone-button = Ask my phone
challenge-recovery-text = Type one of the recovery codes that you kept. Each works once.
challenge-recovery-label = Recovery code
code-empty-error = Type the code that your app shows.
code-shape-error =
    { $digits ->
        [6] The code has six digits. Type it as your app shows it.
        [7] The code has seven digits. Type it as your app shows it.
        [8] The code has eight digits. Type it as your app shows it.
       *[other] The code has as many digits as your app shows. Type all of them.
    }
code-wrong-error = That code is not right, or was used before. Wait for the next one and try again.
code-app-hint = Use the code that your app shows for { $tenant }, and not the one of another account.
code-clock-hint = If codes of your app keep being refused, set the clock of your phone to automatic.
recovery-empty-error = Type one of your recovery codes.
recovery-shape-error = A recovery code has 15 letters and digits, in three groups. Type it as you kept it.
recovery-wrong-error = That recovery code is not right, or was used before.
attempts-left-hint =
    { $left ->
        [one] One attempt is left.
       *[other] { $left } attempts are left.
    }
locked-error = Too many attempts. You can try again in { $time }.
locked-again-link = Try again
closed-error = Too many wrong codes in a row. Codes are off for your account; { $tenant } can turn them on again.
recovery-closed-error = Too many wrong recovery codes in a row. They are off for your account; { $tenant } can turn them on again.
another-way-hint = You can confirm in another way meanwhile. That also turns on again what is off.
locked-out-hint = No other way to confirm is open to you here. Contact { $tenant }: once they know that it is you, they can let you in again.

## screen: waiting for a phone

waiting-heading = Approve on your phone
waiting-number-text = Open the app on your phone and type this number there:
waiting-plain-text = Open the app on your phone and answer there.
waiting-sent-text = Sent to { $device }, { $time } left.
waiting-sent-status = Waiting for your phone. This page goes on by itself.
waiting-unreachable-status = No message reaches your phone at the moment. Open the app there yourself: the question waits in it.
waiting-again-button = Ask again
waiting-other-link = Use another way
waiting-denied-error = It was denied on your phone.
waiting-expired-error = Nobody answered on your phone in time. Ask again.
waiting-over-error = This question to your phone is over. Ask again, or use another way.
waiting-often-error = Your phone was asked often. It can be asked again in { $time }.
waiting-refused-error = Your phone cannot be asked for this. Use another way.

## screen: set-up

set-up-heading = Set up two-step verification
set-up-text = From then on, a password alone is not enough to act as you.
set-up-app-link = Authenticator app
set-up-app-text = An app on your phone shows a code of six digits. It needs no network.
set-up-phone-link = Approve on your phone
set-up-phone-text = The app of { $tenant } asks you, and you answer with a tap.
set-up-why-later-text = From { $day } (UTC) on, { $tenant } asks everybody for a second step at sign-in.
set-up-why-now-text = { $tenant } asks everybody for a second step at sign-in. Set yours up to go on.
set-up-why-app-text = { $tenant } asks you to set up an authenticator app.
set-up-other-link = Choose another way

## screen: set up an app

app-heading = Set up your authenticator app
app-open-text = Open an authenticator app, such as Google Authenticator, Microsoft Authenticator or FreeOTP.
app-scan-text = Scan this picture with it.
app-add-text = Add this account to your authenticator app.
app-open-link = Open your authenticator app
app-same-link = The app is on this device: open it
app-copy-button = Copy key
app-qr-link = Show QR code
app-none-text = No authenticator app yet? Install one
app-code-text = Type the code that the app shows.
app-qr-alt = QR code for your authenticator app. The key below is the same in letters.
app-key-label = Key
app-name-label = Name of this app or phone
app-name-hint = So that you know it again later.
app-name-error = A name has 1 to 64 characters.
app-stale-error = This picture is no longer the newest one. Scan the new picture, and type the code of that.
app-full-error = You have as many authenticators as there is room for. Remove one first.

## screen: pair a phone

phone-heading = Pair your phone
phone-scan-text = Open the app of { $tenant } on your phone and scan this picture with it.
phone-open-text = Open the app of { $tenant } on this phone to pair it.
phone-open-link = Open the app of { $tenant }
phone-qr-alt = QR code for the app on your phone. The link below it leads to the same.
paired-heading = Your phone is paired
paired-text = From now on it can confirm that it is you.
phone-wait-status = Waiting for your phone. This page goes on by itself.
phone-late-error = The device was not confirmed in time. Scan this new picture with it.
phone-refused-error = That device was not paired. Scan this new picture with your own phone.
phone-taken-error = That device is paired already, or there is no room for it. Scan this new picture with another.
pairing-heading = Is this your phone?
pairing-text = A device has scanned the picture. Compare this number with the one that it shows, and pair it only if it is in your hands.
pairing-name-label = Name
pairing-model-label = Model
pairing-platform-label = System
pairing-place-label = Place
pairing-yes-button = Yes, this is my phone
pairing-no-button = No
pair-heading = This link is for an app
pair-app-text = Open the app of { $tenant } on your phone. Install it first if it is not there yet.
pair-scan-text = Scan the picture with that app, not with the camera.
pair-once-text = The picture pairs one phone, and only for ten minutes.

## screen: sign in by a code

qr-heading = Sign in with your phone
qr-text = Open the app of { $tenant } on your phone, scan the picture with it, and approve there.
qr-alt = QR code for the app on your phone.
qr-time-text = The picture is good for { $time }.
qr-claimed-text = Your phone has scanned the picture. Approve there.
qr-show-button = Show the picture
qr-over-error = This picture is over.

## screen: recovery codes

codes-heading = Keep your recovery codes
codes-text = Without your phone, each of these codes lets you in once. Nobody can show them to you again.
codes-copy-button = Copy
codes-copied-status = Copied.
codes-download-button = Download
codes-file-label = recovery-codes
codes-print-button = Print
codes-kept-label = I have kept these codes in a safe place.
codes-continue-button = Continue
codes-replaced-error = The recovery codes of that page were replaced by newer ones, and let nobody in. Keep the newest, or make a new set.

## screen: settings

settings-heading = Your security
settings-methods-heading = Ways to confirm that it is you
settings-none-text = Nothing is set up yet. A password alone is enough to act as you.
settings-new-link = Set up new
settings-added-text = Added
settings-used-text = Last used
settings-never-text = Never used
settings-is-primary-text = Primary
settings-primary-button = Make primary
settings-menu-label = Options for { $name }
settings-rename-label = Name
settings-rename-button = Rename
settings-remove-button = Remove
settings-remove-heading = Remove { $name }?
settings-remove-text = It can no longer confirm that it is you. To use it again you have to set it up anew.
settings-remove-last-text = This is your last one. Removing it turns two-step verification off: your password alone is then enough to act as you.
settings-keep-link = Keep it
settings-removed-status = { $name } was removed.
settings-renamed-status = It is now called { $name }.
settings-primary-status = { $name } is asked first from now on.
settings-forgotten-status = The device is forgotten.
settings-last-error = This is your last one, and { $tenant } asks for one. Set up another first.
settings-fixed-error = { $tenant } lets nobody remove anything here. Contact them to have it removed.
settings-gone-error = It is not there any more.
settings-codes-heading = Recovery codes
settings-codes-text =
    { $left ->
        [0] You have no recovery codes.
        [one] You have one recovery code left.
       *[other] You have { $left } recovery codes left.
    }
settings-codes-button = Make new recovery codes
settings-codes-hint = The old ones stop working.
settings-devices-heading = Remembered devices
settings-devices-text = No device is remembered.
settings-until-text = Until
settings-forget-button = Forget
settings-activity-heading = Recent activity
settings-activity-text = Nothing has happened yet.
settings-back-link = Back to { $tenant }

## screen: after a success

lost-heading = Lost your phone?
lost-text = You used a recovery code. If your phone is gone, do this now; otherwise go on.
lost-new-text = Set up the new one.
lost-old-text = Remove the old one, so that nobody who finds it can act as you.
few-heading = Your recovery codes run out

## screen: activity

activity-succeeded-text = Confirmed
activity-asked-text = Asked to confirm
activity-allowed-text = Allowed
activity-blocked-text = Blocked
activity-failed-text = Not confirmed
activity-review-text = Under review
activity-added-text = { $name } was added
activity-removed-text = { $name } was removed
activity-renamed-text = Renamed to { $name }
activity-primary-text = { $name } became primary
activity-codes-text = New recovery codes were made
activity-code-used-text = A recovery code was used
activity-forgotten-text = A remembered device was forgotten

## screen: methods

method-app-label = Authenticator app
method-phone-label = Phone
method-browser-label = Browser
method-email-label = E-mail
method-sms-label = Text message
method-recovery-label = Recovery code
method-other-label = Other

## screen: the end

end-success-heading = You are verified
end-success-text = You can close this page now.
end-nothing-heading = All is well
end-nothing-text = There is nothing to do here.
end-later-text = There is nothing more to do here.
end-quit-heading = You left without confirming
end-quit-text = Nothing was changed. You can close this page.
end-blocked-heading = This is not allowed
end-blocked-text = The request was refused. Contact { $tenant } if that surprises you.
end-review-heading = Under review
end-review-text = Somebody looks at the request. You will hear of it.
end-expired-heading = This page has expired
end-expired-text = Go back to the app and start again.
end-wrong-heading = This page cannot be shown
end-wrong-text = Go back to the app and start again.
end-trouble-heading = Please try again
end-trouble-text = Something went wrong on our side. Nothing was changed; reload the page in a moment.
end-way-heading = Another way is needed
end-way-text = None of your ways to confirm can be used for this. Contact { $tenant }.
end-again-heading = Confirm that it is you
end-again-text = For this, confirm again that it is you: open this page anew from the app.
anew-text = You confirmed a while ago. To see and change what you have set up, confirm once more.
end-reference-text = If you ask for help, quote this: { $id }
end-back-link = Back to { $tenant }
end-restart-link = Start again

## screen: push

push-question-heading = Is it you?
push-question-text = Open the app to approve or deny.
push-notice-heading = Your account
push-notice-text = How you confirm that it is you was changed. If it was not you, ask for help.
