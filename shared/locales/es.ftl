### What the hosted pages say. A group is a screen; the last word of an id is its role, and bounds its length:
### heading, button, link, label, hint, alt, status, error, text. Tenants may override each (contract, M23-M25).

## screen: every page

quit-link = Cancelar y volver
form-used-error = Este formulario ya se había enviado; no se ha repetido ninguna operación. Esta es la situación actual.
facts-label = Lo que confirma
facts-account-label = Cuenta
facts-tenant-label = Solicitado por
facts-sign-in-label = Inicio de sesión
facts-yes-label = Sí
facts-no-label = No
slow-error = Aún no ha llegado ninguna respuesta. Puede enviarlo de nuevo.
offline-error = No tiene conexión. No se ha enviado nada; inténtelo de nuevo cuando la recupere.

## screen: challenge

challenge-heading = Confirme su identidad
challenge-code-text = Introduzca el código que muestra su app de autenticación para { $tenant }.
challenge-code-label = Código
challenge-continue-button = Continuar
challenge-ways-heading = Otro método
challenge-app-link = Usar un código de la app de autenticación
challenge-phone-link = Aprobar en su teléfono
challenge-recovery-link = Usar un código de recuperación
challenge-phone-text = Su teléfono le preguntará si es usted. La página siguiente muestra un número que deberá introducir en él.
challenge-phone-button = Enviar solicitud
challenge-recovery-text = Introduzca uno de los códigos de recuperación que guardó. Cada uno sirve una sola vez.
challenge-recovery-label = Código de recuperación
code-empty-error = Introduzca el código que muestra su app.
code-shape-error =
    { $digits ->
        [6] El código tiene seis cifras. Introdúzcalo tal como lo muestra su app.
        [7] El código tiene siete cifras. Introdúzcalo tal como lo muestra su app.
        [8] El código tiene ocho cifras. Introdúzcalo tal como lo muestra su app.
       *[other] El código tiene tantas cifras como muestra su app. Introdúzcalas todas.
    }
code-wrong-error = Ese código no es correcto o ya se ha usado. Espere al siguiente e inténtelo de nuevo.
code-app-hint = Use el código que su app muestra para { $tenant }, no el de otra cuenta.
code-clock-hint = Si los códigos de su app se rechazan una y otra vez, ajuste la hora de su teléfono en automático.
recovery-empty-error = Introduzca uno de sus códigos de recuperación.
recovery-shape-error = Un código de recuperación tiene 15 letras y cifras, en tres grupos. Introdúzcalo tal como lo guardó.
recovery-wrong-error = Ese código de recuperación no es correcto o ya se ha usado.
attempts-left-hint =
    { $left ->
        [one] Le queda un intento.
       *[other] Le quedan { $left } intentos.
    }
locked-error = Demasiados intentos. Podrá intentarlo de nuevo en { $time }.
locked-again-link = Intentarlo de nuevo
closed-error = Demasiados códigos incorrectos seguidos. Los códigos están desactivados para su cuenta; { $tenant } puede volver a activarlos.
recovery-closed-error = Demasiados códigos de recuperación incorrectos seguidos. Están desactivados para su cuenta; { $tenant } puede volver a activarlos.
another-way-hint = Mientras tanto puede confirmar de otra manera. Eso también reactiva lo que está desactivado.
locked-out-hint = Aquí no dispone de otra manera de confirmar. Póngase en contacto con { $tenant }: tras comprobar su identidad, podrán devolverle el acceso.

## screen: waiting for a phone

waiting-heading = Apruebe en su teléfono
waiting-number-text = Abra la app en su teléfono e introduzca en ella este número:
waiting-plain-text = Abra la app en su teléfono y responda en ella.
waiting-sent-text = Enviado a { $device }, quedan { $time }.
waiting-sent-status = A la espera de su teléfono. Esta página continuará automáticamente.
waiting-unreachable-status = En este momento no es posible contactar con su teléfono. Abra la app en él: la solicitud le espera allí.
waiting-again-button = Reenviar
waiting-other-link = Usar otro método
waiting-denied-error = La solicitud se ha rechazado en su teléfono.
waiting-expired-error = No se ha respondido a tiempo en su teléfono. Reenvíe la solicitud.
waiting-over-error = Esta solicitud a su teléfono ya no es válida. Reenvíela o use otro método.
waiting-often-error = Se ha preguntado muchas veces a su teléfono. Se le podrá preguntar de nuevo en { $time }.
waiting-refused-error = No es posible aprobar esta operación en su teléfono. Use otro método.

## screen: set-up

set-up-heading = Configure la verificación en dos pasos
set-up-text = A partir de entonces, una contraseña por sí sola no bastará para actuar en su nombre.
set-up-app-link = App de autenticación
set-up-app-text = Una app en su teléfono muestra un código de seis dígitos. No necesita conexión.
set-up-phone-link = Aprobar en su teléfono
set-up-phone-text = La app de { $tenant } le pregunta y usted responde con un toque.
set-up-why-later-text = A partir del { $day } (UTC), { $tenant } pedirá a todos los usuarios un segundo paso al iniciar sesión.
set-up-why-now-text = { $tenant } pide a todos los usuarios un segundo paso al iniciar sesión. Configure el suyo para continuar.
set-up-why-app-text = { $tenant } le pide que configure una app de autenticación.
set-up-other-link = Elegir otro método

## screen: set up an app

app-heading = Configure su app de autenticación
app-open-text = Abra una app de autenticación, como Google Authenticator, Microsoft Authenticator o FreeOTP.
app-scan-text = Escanee esta imagen con ella.
app-add-text = Añada esta cuenta a su aplicación de autenticación.
app-open-link = Abrir su aplicación de autenticación
app-same-link = La app está en este dispositivo: abrirla
app-copy-button = Copiar la clave
app-qr-link = Mostrar el código QR
app-none-text = ¿Aún no tiene una aplicación? Instale una
app-code-text = Introduzca el código que muestra la app.
app-qr-alt = Código QR para su app de autenticación. La clave que figura debajo es lo mismo en letras.
app-key-label = Clave
app-name-label = Nombre de esta app o teléfono
app-name-hint = Para reconocerlo más adelante.
app-name-error = El nombre debe tener entre 1 y 64 caracteres.
app-stale-error = Esta imagen ya no es la más reciente. Escanee la nueva imagen y escriba su código.
app-full-error = Ha alcanzado el número máximo de métodos de autenticación. Elimine uno primero.

## screen: pair a phone

phone-heading = Vincule su teléfono
phone-scan-text = Abra la app de { $tenant } en su teléfono y escanee esta imagen con ella.
phone-open-text = Abra la aplicación de { $tenant } en este teléfono para vincularlo.
phone-open-link = Abrir la aplicación de { $tenant }
phone-qr-alt = Código QR para la app de su teléfono. El enlace de abajo lleva al mismo sitio.
paired-heading = Su teléfono está vinculado
paired-text = Desde ahora puede confirmar su identidad con él.
phone-wait-status = A la espera de su teléfono. Esta página continuará automáticamente.
phone-late-error = El dispositivo no se confirmó a tiempo. Escanee con él esta nueva imagen.
phone-refused-error = Ese dispositivo no se ha vinculado. Escanee esta nueva imagen con su propio teléfono.
phone-taken-error = Ese dispositivo ya está vinculado, o no queda sitio para él. Escanee esta nueva imagen con otro.
pairing-heading = ¿Es este su teléfono?
pairing-text = Un dispositivo ha escaneado la imagen. Compare este número con el que muestra, y vincúlelo solo si lo tiene en la mano.
pairing-name-label = Nombre
pairing-model-label = Modelo
pairing-platform-label = Sistema
pairing-place-label = Lugar
pairing-yes-button = Sí, es mi teléfono
pairing-no-button = No
pair-heading = Este enlace es para una app
pair-app-text = Abra la app de { $tenant } en su teléfono. Instálela antes si aún no está.
pair-scan-text = Escanee la imagen con esa app, no con la cámara.
pair-once-text = La imagen vincula un solo teléfono, y solo durante diez minutos.

## screen: sign in by a code

qr-heading = Inicie sesión con su teléfono
qr-text = Abra la app de { $tenant } en su teléfono, escanee la imagen con ella y apruebe allí.
qr-alt = Código QR para la app de su teléfono.
qr-time-text = La imagen es válida durante { $time }.
qr-claimed-text = Su teléfono ha escaneado la imagen. Apruebe allí.
qr-show-button = Mostrar la imagen
qr-over-error = Esta imagen ya no es válida.

## screen: recovery codes

codes-heading = Guarde sus códigos de recuperación
codes-text = Sin su teléfono, cada uno de estos códigos le permite acceder una vez. Nadie podrá volver a mostrárselos.
codes-copy-button = Copiar
codes-copied-status = Copiado.
codes-download-button = Descargar
codes-file-label = codigos-de-recuperacion
codes-print-button = Imprimir
codes-kept-label = He guardado estos códigos en un lugar seguro.
codes-continue-button = Continuar
codes-replaced-error = Los códigos de recuperación de esa página se sustituyeron por otros más recientes y ya no sirven. Guarde los más recientes o cree otros nuevos.

## screen: settings

settings-heading = Su seguridad
settings-methods-heading = Sus métodos de confirmación
settings-none-text = Todavía no hay nada configurado. Una contraseña por sí sola basta para actuar en su nombre.
settings-new-link = Configurar otro
settings-added-text = Añadido
settings-used-text = Último uso
settings-never-text = Nunca usado
settings-is-primary-text = Principal
settings-primary-button = Hacer principal
settings-menu-label = Opciones de { $name }
settings-rename-label = Nombre
settings-rename-button = Cambiar nombre
settings-remove-button = Eliminar
settings-remove-heading = ¿Eliminar «{ $name }»?
settings-remove-text = Ya no podrá confirmar su identidad con este método. Para volver a usarlo, tendrá que configurarlo de nuevo.
settings-remove-last-text = Es su último método. Si lo elimina, se desactiva la verificación en dos pasos: su contraseña bastará para actuar en su nombre.
settings-keep-link = Conservar
settings-removed-status = Se ha eliminado «{ $name }».
settings-renamed-status = El nuevo nombre es «{ $name }».
settings-primary-status = Desde ahora, las solicitudes se envían primero a «{ $name }».
settings-forgotten-status = El dispositivo ya no se recuerda.
settings-last-error = Este es su último método y { $tenant } exige uno. Configure otro primero.
settings-fixed-error = { $tenant } no permite eliminar nada aquí. Póngase en contacto con { $tenant } para que lo eliminen.
settings-gone-error = Este elemento ya no existe.
settings-codes-heading = Códigos de recuperación
settings-codes-text =
    { $left ->
        [0] No tiene códigos de recuperación.
        [one] Le queda un código de recuperación.
       *[other] Le quedan { $left } códigos de recuperación.
    }
settings-codes-button = Crear códigos nuevos
settings-codes-hint = Los anteriores dejarán de funcionar.
settings-devices-heading = Dispositivos recordados
settings-devices-text = No hay ningún dispositivo recordado.
settings-until-text = Hasta
settings-forget-button = Olvidar
settings-activity-heading = Actividad reciente
settings-activity-text = Todavía no hay actividad.
settings-back-link = Volver a { $tenant }

## screen: after a success

lost-heading = ¿Ha perdido su teléfono?
lost-text = Ha usado un código de recuperación. Si ya no tiene su teléfono, haga esto ahora; si no, continúe.
lost-new-text = Configure el nuevo.
lost-old-text = Elimine el antiguo, para que quien lo encuentre no pueda actuar en su nombre.
few-heading = Se le acaban los códigos de recuperación

## screen: activity

activity-succeeded-text = Confirmado
activity-asked-text = Confirmación solicitada
activity-allowed-text = Permitido
activity-blocked-text = Bloqueado
activity-failed-text = No confirmado
activity-review-text = En revisión
activity-added-text = Se ha añadido «{ $name }»
activity-removed-text = Se ha eliminado «{ $name }»
activity-renamed-text = Nuevo nombre: «{ $name }»
activity-primary-text = «{ $name }» pasó a ser el principal
activity-codes-text = Se han creado nuevos códigos de recuperación
activity-code-used-text = Se ha usado un código de recuperación
activity-forgotten-text = Se ha olvidado un dispositivo recordado

## screen: methods

method-app-label = App de autenticación
method-phone-label = Teléfono
method-browser-label = Navegador
method-email-label = Correo electrónico
method-sms-label = SMS
method-recovery-label = Código de recuperación
method-other-label = Otro

## screen: the end

end-success-heading = Identidad confirmada
end-success-text = Ya puede cerrar esta página.
end-nothing-heading = Todo en orden
end-nothing-text = Aquí no hay nada que hacer.
end-later-text = Aquí no hay nada más que hacer.
end-quit-heading = Ha salido sin confirmar
end-quit-text = No se ha cambiado nada. Puede cerrar esta página.
end-blocked-heading = Operación no permitida
end-blocked-text = La solicitud se ha rechazado. Póngase en contacto con { $tenant } si le sorprende.
end-review-heading = En revisión
end-review-text = Estamos revisando la solicitud. Le informaremos del resultado.
end-expired-heading = Esta página ha caducado
end-expired-text = Vuelva a la aplicación y empiece de nuevo.
end-wrong-heading = No se puede mostrar esta página
end-wrong-text = Vuelva a la aplicación y empiece de nuevo.
end-trouble-heading = Inténtelo de nuevo
end-trouble-text = Se ha producido un error por nuestra parte. No se ha cambiado nada; vuelva a cargar la página en un momento.
end-way-heading = Se necesita otro método
end-way-text = Ninguno de sus métodos de confirmación sirve para esta operación. Póngase en contacto con { $tenant }.
end-again-heading = Confirme su identidad
end-again-text = Para esto, confirme de nuevo su identidad: vuelva a abrir esta página desde la aplicación.
anew-text = Ha pasado un rato desde su confirmación. Confirme una vez más para ver y cambiar lo que ha configurado.
end-reference-text = Si solicita ayuda, indique esta referencia: { $id }
end-back-link = Volver a { $tenant }
end-restart-link = Empezar de nuevo

## screen: push

push-question-heading = ¿Es usted?
push-question-text = Abra la aplicación para aprobar o denegar.
push-notice-heading = Su cuenta
push-notice-text = Se ha cambiado la forma de confirmar su identidad. Si no ha sido usted, pida ayuda.
