### What the hosted pages say. A group is a screen; the last word of an id is its role, and bounds its length:
### heading, button, link, label, hint, alt, status, error, text. Tenants may override each (contract, M23-M25).

## screen: every page

quit-link = Abbrechen und zurück
form-used-error = Dieses Formular wurde bereits gesendet; es wurde nichts doppelt ausgeführt. Hier sehen Sie den aktuellen Stand.
facts-label = Was Sie bestätigen
facts-account-label = Konto
facts-tenant-label = Angefragt von
facts-sign-in-label = Anmeldung
facts-yes-label = Ja
facts-no-label = Nein
slow-error = Es ist noch keine Antwort gekommen. Sie können es noch einmal senden.
offline-error = Sie sind offline. Es wurde nichts gesendet; versuchen Sie es mit Verbindung erneut.

## screen: challenge

challenge-heading = Bestätigen Sie Ihre Identität
challenge-code-text = Geben Sie den Code ein, den Ihre Authenticator-App für { $tenant } anzeigt.
challenge-code-label = Code
challenge-continue-button = Weiter
challenge-ways-heading = Andere Methode
challenge-app-link = Code der Authenticator-App verwenden
challenge-phone-link = Auf dem Smartphone freigeben
challenge-recovery-link = Wiederherstellungscode verwenden
challenge-phone-text = Ihr Smartphone fragt, ob Sie es sind. Die nächste Seite zeigt eine Zahl, die Sie dort eingeben.
challenge-phone-button = Anfrage senden
challenge-recovery-text = Geben Sie einen Ihrer aufbewahrten Wiederherstellungscodes ein. Jeder gilt nur einmal.
challenge-recovery-label = Wiederherstellungscode
code-empty-error = Geben Sie den Code ein, den Ihre App anzeigt.
code-shape-error =
    { $digits ->
        [6] Der Code hat sechs Ziffern. Geben Sie ihn so ein, wie Ihre App ihn anzeigt.
        [7] Der Code hat sieben Ziffern. Geben Sie ihn so ein, wie Ihre App ihn anzeigt.
        [8] Der Code hat acht Ziffern. Geben Sie ihn so ein, wie Ihre App ihn anzeigt.
       *[other] Der Code hat so viele Ziffern, wie Ihre App anzeigt. Geben Sie alle ein.
    }
code-wrong-error = Dieser Code ist falsch oder wurde bereits verwendet. Warten Sie auf den nächsten und versuchen Sie es erneut.
code-app-hint = Verwenden Sie den Code, den Ihre App für { $tenant } zeigt, nicht den eines anderen Kontos.
code-clock-hint = Werden Codes Ihrer App immer wieder abgelehnt, stellen Sie die Uhrzeit Ihres Smartphones auf automatisch.
recovery-empty-error = Geben Sie einen Ihrer Wiederherstellungscodes ein.
recovery-shape-error = Ein Wiederherstellungscode hat 15 Buchstaben und Ziffern in drei Gruppen. Geben Sie ihn so ein, wie Sie ihn aufbewahrt haben.
recovery-wrong-error = Dieser Wiederherstellungscode ist falsch oder wurde bereits verwendet.
attempts-left-hint =
    { $left ->
        [one] Sie haben noch einen Versuch.
       *[other] Sie haben noch { $left } Versuche.
    }
locked-error = Zu viele Versuche. Sie können es in { $time } erneut versuchen.
locked-again-link = Erneut versuchen
closed-error = Zu viele falsche Codes in Folge. Codes sind für Ihr Konto gesperrt; { $tenant } kann sie wieder freischalten.
recovery-closed-error = Zu viele falsche Wiederherstellungscodes in Folge. Sie sind für Ihr Konto gesperrt; { $tenant } kann sie wieder freischalten.
another-way-hint = Sie können sich inzwischen auf andere Weise bestätigen. Das hebt auch eine Sperre auf.
locked-out-hint = Eine andere Möglichkeit zur Bestätigung steht Ihnen hier nicht offen. Wenden Sie sich an { $tenant }: Dort kann man Sie nach einer Prüfung wieder freischalten.

## screen: waiting for a phone

waiting-heading = Auf dem Smartphone freigeben
waiting-number-text = Öffnen Sie die App auf Ihrem Smartphone und geben Sie dort diese Zahl ein:
waiting-plain-text = Öffnen Sie die App auf Ihrem Smartphone und antworten Sie dort.
waiting-sent-text = Gesendet an { $device }, noch { $time }.
waiting-sent-status = Warten auf Ihr Smartphone. Danach geht es automatisch weiter.
waiting-unreachable-status = Ihr Smartphone ist derzeit nicht erreichbar. Öffnen Sie dort selbst die App: Die Anfrage wartet darin.
waiting-again-button = Erneut senden
waiting-other-link = Andere Methode verwenden
waiting-denied-error = Die Anfrage wurde auf Ihrem Smartphone abgelehnt.
waiting-expired-error = Die Anfrage wurde nicht rechtzeitig beantwortet. Senden Sie sie erneut.
waiting-over-error = Diese Anfrage an Ihr Smartphone ist beendet. Senden Sie sie erneut oder verwenden Sie eine andere Methode.
waiting-often-error = Ihr Smartphone wurde oft gefragt. Es kann in { $time } wieder gefragt werden.
waiting-refused-error = Dafür ist keine Freigabe per Smartphone möglich. Verwenden Sie eine andere Methode.

## screen: set-up

set-up-heading = Zwei-Faktor-Authentifizierung einrichten
set-up-text = Danach reicht ein Passwort allein nicht mehr aus, um in Ihrem Namen zu handeln.
set-up-app-link = Authenticator-App
set-up-app-text = Eine App auf Ihrem Smartphone zeigt einen sechsstelligen Code. Sie braucht kein Netz.
set-up-phone-link = Auf dem Smartphone freigeben
set-up-phone-text = Die App von { $tenant } fragt Sie, und Sie antworten mit einem Fingertipp.
set-up-why-later-text = Ab { $day } (UTC) verlangt { $tenant } von allen einen zweiten Schritt bei der Anmeldung.
set-up-why-now-text = { $tenant } verlangt von allen einen zweiten Schritt bei der Anmeldung. Richten Sie Ihren ein, um fortzufahren.
set-up-why-app-text = { $tenant } bittet Sie, eine Authenticator-App einzurichten.
set-up-other-link = Andere Methode wählen

## screen: set up an app

app-heading = Authenticator-App einrichten
app-open-text = Öffnen Sie eine Authenticator-App, zum Beispiel Google Authenticator, Microsoft Authenticator oder FreeOTP.
app-scan-text = Scannen Sie damit dieses Bild.
app-add-text = Fügen Sie dieses Konto Ihrer Authenticator-App hinzu.
app-open-link = Authenticator-App öffnen
app-same-link = Die App ist auf diesem Gerät: jetzt öffnen
app-copy-button = Schlüssel kopieren
app-qr-link = QR-Code zeigen
app-none-text = Noch keine Authenticator-App? Eine installieren
app-code-text = Geben Sie den Code ein, den die App anzeigt.
app-qr-alt = QR-Code für Ihre Authenticator-App. Der Schlüssel darunter ist derselbe in Buchstaben.
app-key-label = Schlüssel
app-name-label = Name dieser App oder dieses Smartphones
app-name-hint = Damit Sie den Eintrag später wiedererkennen.
app-name-error = Der Name muss 1 bis 64 Zeichen lang sein.
app-stale-error = Dieses Bild ist nicht mehr das neueste. Scannen Sie das neue Bild und geben Sie dessen Code ein.
app-full-error = Sie haben die Höchstzahl an Authentifizierungsmethoden erreicht. Entfernen Sie zuerst eine.

## screen: pair a phone

phone-heading = Smartphone verbinden
phone-scan-text = Öffnen Sie die App von { $tenant } auf Ihrem Smartphone und scannen Sie damit dieses Bild.
phone-open-text = Öffnen Sie die App von { $tenant } auf diesem Telefon, um es zu koppeln.
phone-open-link = App von { $tenant } öffnen
phone-qr-alt = QR-Code für die App auf Ihrem Smartphone. Der Link darunter führt zum selben Ziel.
paired-heading = Ihr Smartphone ist verbunden
paired-text = Ab jetzt können Sie damit Ihre Identität bestätigen.
phone-wait-status = Warten auf Ihr Smartphone. Danach geht es automatisch weiter.
phone-late-error = Das Gerät wurde nicht rechtzeitig bestätigt. Scannen Sie damit dieses neue Bild.
phone-refused-error = Dieses Gerät wurde nicht verbunden. Scannen Sie dieses neue Bild mit Ihrem eigenen Smartphone.
phone-taken-error = Dieses Gerät ist schon verbunden, oder es ist kein Platz dafür. Scannen Sie dieses neue Bild mit einem anderen.
pairing-heading = Ist das Ihr Smartphone?
pairing-text = Ein Gerät hat das Bild gescannt. Vergleichen Sie diese Zahl mit der, die es zeigt, und verbinden Sie es nur, wenn Sie es in der Hand haben.
pairing-name-label = Name
pairing-model-label = Modell
pairing-platform-label = System
pairing-place-label = Ort
pairing-yes-button = Ja, das ist mein Smartphone
pairing-no-button = Nein
pair-heading = Dieser Link ist für eine App
pair-app-text = Öffnen Sie die App von { $tenant } auf Ihrem Smartphone. Installieren Sie sie vorher, falls sie noch fehlt.
pair-scan-text = Scannen Sie das Bild mit dieser App, nicht mit der Kamera.
pair-once-text = Das Bild verbindet ein einziges Smartphone, und nur zehn Minuten lang.

## screen: sign in by a code

qr-heading = Mit dem Smartphone anmelden
qr-text = Öffnen Sie die App von { $tenant } auf Ihrem Smartphone, scannen Sie damit das Bild und stimmen Sie dort zu.
qr-alt = QR-Code für die App auf Ihrem Smartphone.
qr-time-text = Das Bild gilt noch { $time }.
qr-claimed-text = Ihr Smartphone hat das Bild gescannt. Stimmen Sie dort zu.
qr-show-button = Bild anzeigen
qr-over-error = Dieses Bild ist abgelaufen.

## screen: recovery codes

codes-heading = Bewahren Sie Ihre Wiederherstellungscodes auf
codes-text = Ohne Ihr Smartphone können Sie sich mit jedem dieser Codes einmal anmelden. Niemand kann sie Ihnen erneut anzeigen.
codes-copy-button = Kopieren
codes-copied-status = Kopiert.
codes-download-button = Herunterladen
codes-file-label = wiederherstellungscodes
codes-print-button = Drucken
codes-kept-label = Ich habe diese Codes sicher aufbewahrt.
codes-continue-button = Weiter
codes-replaced-error = Die Wiederherstellungscodes jener Seite wurden durch neuere ersetzt und gelten nicht mehr. Bewahren Sie die neuesten auf, oder erstellen Sie neue.

## screen: settings

settings-heading = Ihre Sicherheit
settings-methods-heading = Ihre Bestätigungsmethoden
settings-none-text = Es ist noch nichts eingerichtet. Ein Passwort allein reicht aus, um in Ihrem Namen zu handeln.
settings-new-link = Neu einrichten
settings-added-text = Hinzugefügt
settings-used-text = Zuletzt verwendet
settings-never-text = Nie verwendet
settings-is-primary-text = Standard
settings-primary-button = Als Standard festlegen
settings-menu-label = Optionen für { $name }
settings-rename-label = Name
settings-rename-button = Umbenennen
settings-remove-button = Entfernen
settings-remove-heading = „{ $name }“ entfernen?
settings-remove-text = Damit können Sie Ihre Identität dann nicht mehr bestätigen. Für eine erneute Nutzung ist eine neue Einrichtung nötig.
settings-remove-last-text = Dies ist Ihre letzte Methode. Wird sie entfernt, ist die Bestätigung in zwei Schritten aus: Ihr Passwort allein genügt dann, um in Ihrem Namen zu handeln.
settings-keep-link = Behalten
settings-removed-status = „{ $name }“ wurde entfernt.
settings-renamed-status = Der neue Name ist „{ $name }“.
settings-primary-status = „{ $name }“ wird ab jetzt zuerst gefragt.
settings-forgotten-status = Das Gerät ist nicht mehr gespeichert.
settings-last-error = Dies ist Ihre letzte Methode, und { $tenant } verlangt mindestens eine. Richten Sie zuerst eine andere ein.
settings-fixed-error = { $tenant } lässt hier nichts entfernen. Wenden Sie sich an { $tenant }, damit es entfernt wird.
settings-gone-error = Der Eintrag ist nicht mehr vorhanden.
settings-codes-heading = Wiederherstellungscodes
settings-codes-text =
    { $left ->
        [0] Sie haben keine Wiederherstellungscodes.
        [one] Sie haben noch einen Wiederherstellungscode.
       *[other] Sie haben noch { $left } Wiederherstellungscodes.
    }
settings-codes-button = Neue Codes erstellen
settings-codes-hint = Die bisherigen werden ungültig.
settings-devices-heading = Gespeicherte Geräte
settings-devices-text = Es ist kein Gerät gespeichert.
settings-until-text = Bis
settings-forget-button = Vergessen
settings-activity-heading = Letzte Aktivitäten
settings-activity-text = Bisher gibt es keine Aktivitäten.
settings-back-link = Zurück zu { $tenant }

## screen: after a success

lost-heading = Smartphone verloren?
lost-text = Sie haben einen Wiederherstellungscode verwendet. Ist Ihr Smartphone weg, tun Sie jetzt dies; sonst fahren Sie fort.
lost-new-text = Richten Sie das neue ein.
lost-old-text = Entfernen Sie das alte, damit niemand, der es findet, in Ihrem Namen handeln kann.
few-heading = Ihre Wiederherstellungscodes gehen zu Ende

## screen: activity

activity-succeeded-text = Bestätigt
activity-asked-text = Bestätigung angefordert
activity-allowed-text = Zugelassen
activity-blocked-text = Blockiert
activity-failed-text = Nicht bestätigt
activity-review-text = In Prüfung
activity-added-text = „{ $name }“ wurde hinzugefügt
activity-removed-text = „{ $name }“ wurde entfernt
activity-renamed-text = In „{ $name }“ umbenannt
activity-primary-text = „{ $name }“ wurde als Standard festgelegt
activity-codes-text = Neue Wiederherstellungscodes wurden erstellt
activity-code-used-text = Ein Wiederherstellungscode wurde verwendet
activity-forgotten-text = Ein gespeichertes Gerät wurde vergessen

## screen: methods

method-app-label = Authenticator-App
method-phone-label = Smartphone
method-browser-label = Browser
method-email-label = E-Mail
method-sms-label = SMS
method-recovery-label = Wiederherstellungscode
method-other-label = Andere

## screen: the end

end-success-heading = Ihre Identität ist bestätigt
end-success-text = Sie können diese Seite jetzt schließen.
end-nothing-heading = Alles in Ordnung
end-nothing-text = Hier ist nichts zu tun.
end-later-text = Hier ist nichts weiter zu tun.
end-quit-heading = Ohne Bestätigung beendet
end-quit-text = Es wurde nichts geändert. Sie können diese Seite schließen.
end-blocked-heading = Das ist nicht erlaubt
end-blocked-text = Die Anfrage wurde abgelehnt. Wenden Sie sich an { $tenant }, falls Sie das überrascht.
end-review-heading = In Prüfung
end-review-text = Ihre Anfrage wird geprüft. Sie werden darüber informiert.
end-expired-heading = Diese Seite ist abgelaufen
end-expired-text = Gehen Sie zurück zur Anwendung und beginnen Sie erneut.
end-wrong-heading = Diese Seite kann nicht angezeigt werden
end-wrong-text = Gehen Sie zurück zur Anwendung und beginnen Sie erneut.
end-trouble-heading = Bitte versuchen Sie es erneut
end-trouble-text = Bei uns ist ein Fehler aufgetreten. Es wurde nichts geändert; laden Sie die Seite in Kürze neu.
end-way-heading = Eine andere Methode ist nötig
end-way-text = Keine Ihrer Bestätigungsmethoden ist hierfür zulässig. Wenden Sie sich an { $tenant }.
end-again-heading = Bestätigen Sie Ihre Identität
end-again-text = Bestätigen Sie dafür noch einmal, dass Sie es sind: Öffnen Sie diese Seite neu aus der App.
anew-text = Ihre Bestätigung liegt eine Weile zurück. Bestätigen Sie sich noch einmal, um Ihre Methoden zu sehen und zu ändern.
end-reference-text = Bitte geben Sie bei Rückfragen an: { $id }
end-back-link = Zurück zu { $tenant }
end-restart-link = Neu beginnen

## screen: push

push-question-heading = Sind Sie das?
push-question-text = Öffnen Sie die App, um freizugeben oder abzulehnen.
push-notice-heading = Ihr Konto
push-notice-text = Ihre Bestätigungsmethoden wurden geändert. Waren Sie das nicht, bitten Sie um Hilfe.
