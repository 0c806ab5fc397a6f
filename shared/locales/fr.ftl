### What the hosted pages say. A group is a screen; the last word of an id is its role, and bounds its length:
### heading, button, link, label, hint, alt, status, error, text. Tenants may override each (contract, M23-M25).

## screen: every page

quit-link = Annuler et revenir
form-used-error = Ce formulaire a déjà été envoyé ; rien n’a été effectué deux fois. Voici la situation actuelle.
facts-label = Ce que vous confirmez
facts-account-label = Compte
facts-tenant-label = Demandé par
facts-sign-in-label = Connexion
facts-yes-label = Oui
facts-no-label = Non
slow-error = Aucune réponse n’est encore arrivée. Vous pouvez envoyer de nouveau.
offline-error = Vous êtes hors ligne. Rien n’a été envoyé ; réessayez une fois connecté.

## screen: challenge

challenge-heading = Confirmez votre identité
challenge-code-text = Saisissez le code affiché par votre application d’authentification pour { $tenant }.
challenge-code-label = Code
challenge-continue-button = Continuer
challenge-ways-heading = Autre méthode
challenge-app-link = Utiliser un code de l’application d’authentification
challenge-phone-link = Valider sur votre téléphone
challenge-recovery-link = Utiliser un code de récupération
challenge-phone-text = Votre téléphone vous demandera s’il s’agit bien de vous. La page suivante affiche un nombre à y saisir.
challenge-phone-button = Envoyer la demande
challenge-recovery-text = Saisissez l’un des codes de récupération que vous avez conservés. Chacun ne sert qu’une fois.
challenge-recovery-label = Code de récupération
code-empty-error = Saisissez le code affiché par votre application.
code-shape-error =
    { $digits ->
        [6] Le code comporte six chiffres. Saisissez-le tel que votre application l’affiche.
        [7] Le code comporte sept chiffres. Saisissez-le tel que votre application l’affiche.
        [8] Le code comporte huit chiffres. Saisissez-le tel que votre application l’affiche.
       *[other] Le code comporte autant de chiffres que votre application en affiche. Saisissez-les tous.
    }
code-wrong-error = Ce code est incorrect ou a déjà été utilisé. Attendez le suivant et réessayez.
code-app-hint = Utilisez le code que votre application affiche pour { $tenant }, et non celui d’un autre compte.
code-clock-hint = Si les codes de votre application sont sans cesse refusés, réglez l’heure de votre téléphone sur automatique.
recovery-empty-error = Saisissez l’un de vos codes de récupération.
recovery-shape-error = Un code de récupération compte 15 lettres et chiffres, en trois groupes. Saisissez-le tel que vous l’avez conservé.
recovery-wrong-error = Ce code de récupération est incorrect ou a déjà été utilisé.
attempts-left-hint =
    { $left ->
        [one] Il vous reste { $left } tentative.
       *[other] Il vous reste { $left } tentatives.
    }
locked-error = Trop de tentatives. Vous pourrez réessayer dans { $time }.
locked-again-link = Réessayer
closed-error = Trop de codes incorrects à la suite. Les codes sont désactivés pour votre compte ; { $tenant } peut les réactiver.
recovery-closed-error = Trop de codes de récupération incorrects à la suite. Ils sont désactivés pour votre compte ; { $tenant } peut les réactiver.
another-way-hint = En attendant, vous pouvez confirmer autrement. Cela réactive aussi ce qui est désactivé.
locked-out-hint = Aucun autre moyen de confirmation ne vous est ouvert ici. Contactez { $tenant } : après vérification de votre identité, votre accès peut être rétabli.

## screen: waiting for a phone

waiting-heading = Validez sur votre téléphone
waiting-number-text = Ouvrez l’application sur votre téléphone et saisissez-y ce nombre :
waiting-plain-text = Ouvrez l’application sur votre téléphone et répondez-y.
waiting-sent-text = Envoyé à { $device }, encore { $time }.
waiting-sent-status = En attente de votre téléphone. La suite s’affichera automatiquement.
waiting-unreachable-status = Votre téléphone est injoignable pour le moment. Ouvrez-y vous-même l’application : la demande vous y attend.
waiting-again-button = Renvoyer
waiting-other-link = Utiliser une autre méthode
waiting-denied-error = La demande a été refusée sur votre téléphone.
waiting-expired-error = Aucune réponse reçue à temps de votre téléphone. Renvoyez la demande.
waiting-over-error = Cette demande envoyée à votre téléphone n’est plus valable. Renvoyez-la ou utilisez une autre méthode.
waiting-often-error = Votre téléphone a été souvent sollicité. Il pourra l’être de nouveau dans { $time }.
waiting-refused-error = La validation sur téléphone n’est pas possible ici. Utilisez une autre méthode.

## screen: set-up

set-up-heading = Configurez la validation en deux étapes
set-up-text = Dès lors, un mot de passe seul ne suffira plus pour agir en votre nom.
set-up-app-link = Application d’authentification
set-up-app-text = Une application sur votre téléphone affiche un code à six chiffres, même sans réseau.
set-up-phone-link = Valider sur votre téléphone
set-up-phone-text = L’application { $tenant } vous interroge et vous répondez d’un simple toucher.
set-up-why-later-text = À partir du { $day } (UTC), { $tenant } demandera à tous les utilisateurs une seconde étape à la connexion.
set-up-why-now-text = { $tenant } demande à tous les utilisateurs une seconde étape à la connexion. Configurez la vôtre pour continuer.
set-up-why-app-text = { $tenant } vous demande de configurer une application d’authentification.
set-up-other-link = Choisir une autre méthode

## screen: set up an app

app-heading = Configurez l’application d’authentification
app-open-text = Ouvrez une application d’authentification, par exemple Google Authenticator, Microsoft Authenticator ou FreeOTP.
app-scan-text = Scannez cette image avec l’application.
app-add-text = Ajoutez ce compte à votre application d’authentification.
app-open-link = Ouvrir votre application d’authentification
app-same-link = L’application est sur cet appareil : l’ouvrir
app-copy-button = Copier la clé
app-qr-link = Afficher le code QR
app-none-text = Pas encore d’application ? En installer une
app-code-text = Saisissez le code affiché par l’application.
app-qr-alt = Code QR pour votre application d’authentification. La clé ci-dessous en est l’équivalent en lettres.
app-key-label = Clé
app-name-label = Nom de cette application ou de ce téléphone
app-name-hint = Pour vous y retrouver plus tard.
app-name-error = Le nom doit comporter de 1 à 64 caractères.
app-stale-error = Cette image n’est plus la plus récente. Scannez la nouvelle image et saisissez son code.
app-full-error = Vous avez atteint le nombre maximal de méthodes d’authentification. Supprimez-en d’abord une.

## screen: pair a phone

phone-heading = Associez votre téléphone
phone-scan-text = Ouvrez l’application { $tenant } sur votre téléphone et scannez cette image.
phone-open-text = Ouvrez l’application de { $tenant } sur ce téléphone pour l’associer.
phone-open-link = Ouvrir l’application de { $tenant }
phone-qr-alt = Code QR pour l’application de votre téléphone. Le lien ci-dessous mène au même endroit.
paired-heading = Votre téléphone est associé
paired-text = Il peut désormais confirmer votre identité.
phone-wait-status = En attente de votre téléphone. La suite s’affichera automatiquement.
phone-late-error = L’appareil n’a pas été confirmé à temps. Scannez cette nouvelle image avec lui.
phone-refused-error = Cet appareil n’a pas été associé. Scannez cette nouvelle image avec votre propre téléphone.
phone-taken-error = Cet appareil est déjà associé, ou il n’y a plus de place. Scannez cette nouvelle image avec un autre.
pairing-heading = Est-ce votre téléphone ?
pairing-text = Un appareil a scanné l’image. Comparez ce nombre avec celui qu’il affiche, et ne l’associez que s’il est entre vos mains.
pairing-name-label = Nom
pairing-model-label = Modèle
pairing-platform-label = Système
pairing-place-label = Lieu
pairing-yes-button = Oui, c’est mon téléphone
pairing-no-button = Non
pair-heading = Ce lien est destiné à une application
pair-app-text = Ouvrez l’application de { $tenant } sur votre téléphone. Installez-la d’abord si elle n’y est pas encore.
pair-scan-text = Scannez l’image avec cette application, pas avec l’appareil photo.
pair-once-text = L’image associe un seul téléphone, et pendant dix minutes seulement.

## screen: sign in by a code

qr-heading = Connectez-vous avec votre téléphone
qr-text = Ouvrez l’application de { $tenant } sur votre téléphone, scannez l’image avec elle et approuvez-y la demande.
qr-alt = Code QR pour l’application sur votre téléphone.
qr-time-text = L’image est valable encore { $time }.
qr-claimed-text = Votre téléphone a scanné l’image. Approuvez la demande dessus.
qr-show-button = Afficher l’image
qr-over-error = Cette image n’est plus valable.

## screen: recovery codes

codes-heading = Conservez vos codes de récupération
codes-text = Sans votre téléphone, chacun de ces codes vous permet de vous connecter une fois. Personne ne pourra vous les afficher de nouveau.
codes-copy-button = Copier
codes-copied-status = Copié.
codes-download-button = Télécharger
codes-file-label = codes-de-recuperation
codes-print-button = Imprimer
codes-kept-label = J’ai conservé ces codes en lieu sûr.
codes-continue-button = Continuer
codes-replaced-error = Les codes de récupération de cette page ont été remplacés par de plus récents et ne sont plus valables. Conservez les plus récents, ou créez-en de nouveaux.

## screen: settings

settings-heading = Votre sécurité
settings-methods-heading = Vos méthodes de confirmation
settings-none-text = Rien n’est encore configuré. Un mot de passe seul suffit pour agir en votre nom.
settings-new-link = Ajouter une méthode
settings-added-text = Date d’ajout
settings-used-text = Dernière utilisation
settings-never-text = Aucune utilisation
settings-is-primary-text = Par défaut
settings-primary-button = Définir par défaut
settings-menu-label = Options pour { $name }
settings-rename-label = Nom
settings-rename-button = Renommer
settings-remove-button = Supprimer
settings-remove-heading = Supprimer « { $name } » ?
settings-remove-text = Cette méthode ne pourra plus confirmer votre identité. Pour l’utiliser de nouveau, vous devrez la reconfigurer.
settings-remove-last-text = C’est votre dernier moyen. Le supprimer désactive la validation en deux étapes : votre mot de passe suffira alors pour agir en votre nom.
settings-keep-link = Conserver
settings-removed-status = « { $name } » a été supprimé.
settings-renamed-status = Le nouveau nom est « { $name } ».
settings-primary-status = Les demandes sont désormais envoyées d’abord à « { $name } ».
settings-forgotten-status = L’appareil n’est plus mémorisé.
settings-last-error = C’est votre dernière méthode, et { $tenant } en exige une. Configurez-en d’abord une autre.
settings-fixed-error = { $tenant } ne permet pas de supprimer quoi que ce soit ici. Contactez { $tenant } pour le faire supprimer.
settings-gone-error = Cet élément n’existe plus.
settings-codes-heading = Codes de récupération
settings-codes-text =
    { $left ->
        [0] Vous n’avez aucun code de récupération.
        [one] Il vous reste { $left } code de récupération.
       *[other] Il vous reste { $left } codes de récupération.
    }
settings-codes-button = Créer de nouveaux codes
settings-codes-hint = Les anciens ne fonctionneront plus.
settings-devices-heading = Appareils mémorisés
settings-devices-text = Aucun appareil n’est mémorisé.
settings-until-text = Jusqu’au
settings-forget-button = Oublier
settings-activity-heading = Activité récente
settings-activity-text = Aucune activité pour le moment.
settings-back-link = Retour à { $tenant }

## screen: after a success

lost-heading = Vous avez perdu votre téléphone ?
lost-text = Vous avez utilisé un code de récupération. Si vous n’avez plus votre téléphone, faites ceci maintenant ; sinon, continuez.
lost-new-text = Configurez le nouveau.
lost-old-text = Supprimez l’ancien, afin que personne ne puisse agir en votre nom s’il le trouve.
few-heading = Vos codes de récupération s’épuisent

## screen: activity

activity-succeeded-text = Confirmé
activity-asked-text = Confirmation demandée
activity-allowed-text = Autorisé
activity-blocked-text = Bloqué
activity-failed-text = Non confirmé
activity-review-text = En cours d’examen
activity-added-text = « { $name } » a été ajouté
activity-removed-text = « { $name } » a été supprimé
activity-renamed-text = Renommé en « { $name } »
activity-primary-text = « { $name } » a été défini par défaut
activity-codes-text = De nouveaux codes de récupération ont été créés
activity-code-used-text = Un code de récupération a été utilisé
activity-forgotten-text = Un appareil mémorisé a été oublié

## screen: methods

method-app-label = Application d’authentification
method-phone-label = Téléphone
method-browser-label = Navigateur
method-email-label = E-mail
method-sms-label = SMS
method-recovery-label = Code de récupération
method-other-label = Autre

## screen: the end

end-success-heading = Votre identité est confirmée
end-success-text = Vous pouvez maintenant fermer cette page.
end-nothing-heading = Tout est en ordre
end-nothing-text = Vous n’avez rien à faire ici.
end-later-text = Vous n’avez plus rien à faire ici.
end-quit-heading = Vous avez quitté sans confirmer
end-quit-text = Rien n’a été modifié. Vous pouvez fermer cette page.
end-blocked-heading = Cette opération n’est pas autorisée
end-blocked-text = La demande a été refusée. Contactez { $tenant } si cela vous surprend.
end-review-heading = En cours d’examen
end-review-text = Votre demande est en cours d’examen. Vous recevrez une réponse.
end-expired-heading = Cette page a expiré
end-expired-text = Revenez à l’application et recommencez.
end-wrong-heading = Impossible d’afficher cette page
end-wrong-text = Revenez à l’application et recommencez.
end-trouble-heading = Veuillez réessayer
end-trouble-text = Une erreur s’est produite de notre côté. Rien n’a été modifié ; rechargez la page dans un instant.
end-way-heading = Une autre méthode est nécessaire
end-way-text = Aucune de vos méthodes de confirmation ne convient ici. Contactez { $tenant }.
end-again-heading = Confirmez votre identité
end-again-text = Pour cela, confirmez à nouveau votre identité : rouvrez cette page depuis l’application.
anew-text = Votre confirmation date un peu. Confirmez encore une fois pour voir et modifier ce que vous avez configuré.
end-reference-text = Si vous demandez de l’aide, indiquez cette référence : { $id }
end-back-link = Retour à { $tenant }
end-restart-link = Recommencer

## screen: push

push-question-heading = Est-ce vous ?
push-question-text = Ouvrez l’application pour approuver ou refuser.
push-notice-heading = Votre compte
push-notice-text = Vos moyens de confirmation ont été modifiés. Si ce n’était pas vous, demandez de l’aide.
