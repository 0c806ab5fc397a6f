### What the hosted pages say. A group is a screen; the last word of an id is its role, and bounds its length:
### heading, button, link, label, hint, alt, status, error, text. Tenants may override each (contract, M23-M25).

## screen: every page

quit-link = Cancelar e voltar
form-used-error = Este formulário já tinha sido enviado; nada foi feito em duplicidade. Esta é a situação atual.
facts-label = O que você confirma
facts-account-label = Conta
facts-tenant-label = Solicitado por
facts-sign-in-label = Início de sessão
facts-yes-label = Sim
facts-no-label = Não
slow-error = Ainda não chegou nenhuma resposta. Você pode enviar novamente.
offline-error = Você está offline. Nada foi enviado; tente novamente quando estiver conectado.

## screen: challenge

challenge-heading = Confirme sua identidade
challenge-code-text = Digite o código que seu app autenticador mostra para { $tenant }.
challenge-code-label = Código
challenge-continue-button = Continuar
challenge-ways-heading = Outro método
challenge-app-link = Usar um código do app autenticador
challenge-phone-link = Aprovar no celular
challenge-recovery-link = Usar um código de recuperação
challenge-phone-text = Seu celular perguntará se é você. A próxima página mostra um número para digitar nele.
challenge-phone-button = Enviar solicitação
challenge-recovery-text = Digite um dos códigos de recuperação que você guardou. Cada um vale uma única vez.
challenge-recovery-label = Código de recuperação
code-empty-error = Digite o código que seu app mostra.
code-shape-error =
    { $digits ->
        [6] O código tem seis algarismos. Digite-o como seu app o mostra.
        [7] O código tem sete algarismos. Digite-o como seu app o mostra.
        [8] O código tem oito algarismos. Digite-o como seu app o mostra.
       *[other] O código tem tantos algarismos quantos seu app mostra. Digite todos.
    }
code-wrong-error = Este código está incorreto ou já foi usado. Aguarde o próximo e tente novamente.
code-app-hint = Use o código que seu app mostra para { $tenant }, e não o de outra conta.
code-clock-hint = Se os códigos do seu app continuarem sendo recusados, ajuste o relógio do celular para o modo automático.
recovery-empty-error = Digite um dos seus códigos de recuperação.
recovery-shape-error = Um código de recuperação tem 15 letras e algarismos, em três grupos. Digite-o como o guardou.
recovery-wrong-error = Este código de recuperação está incorreto ou já foi usado.
attempts-left-hint =
    { $left ->
        [one] Você ainda tem { $left } tentativa.
       *[other] Você ainda tem { $left } tentativas.
    }
locked-error = Muitas tentativas. Você poderá tentar novamente em { $time }.
locked-again-link = Tentar novamente
closed-error = Muitos códigos incorretos seguidos. Os códigos estão desativados na sua conta; { $tenant } pode reativá-los.
recovery-closed-error = Muitos códigos de recuperação incorretos seguidos. Eles estão desativados na sua conta; { $tenant } pode reativá-los.
another-way-hint = Enquanto isso, você pode confirmar de outra forma. Isso também reativa o que está desativado.
locked-out-hint = Não há outra forma de confirmar disponível para você aqui. Entre em contato com { $tenant }: depois de verificar sua identidade, eles podem liberar seu acesso.

## screen: waiting for a phone

waiting-heading = Aprove no celular
waiting-number-text = Abra o app no celular e digite este número nele:
waiting-plain-text = Abra o app no celular e responda por ele.
waiting-sent-text = Enviado para { $device }, restam { $time }.
waiting-sent-status = Aguardando seu celular. Esta página continuará automaticamente.
waiting-unreachable-status = No momento, não é possível contatar seu celular. Abra o app nele: a solicitação está à sua espera.
waiting-again-button = Reenviar
waiting-other-link = Usar outro método
waiting-denied-error = A solicitação foi negada no seu celular.
waiting-expired-error = Não houve resposta a tempo no seu celular. Reenvie a solicitação.
waiting-over-error = Esta solicitação ao seu celular não é mais válida. Reenvie-a ou use outro método.
waiting-often-error = Seu celular foi consultado muitas vezes. Ele poderá ser consultado de novo em { $time }.
waiting-refused-error = Não é possível aprovar esta operação no celular. Use outro método.

## screen: set-up

set-up-heading = Configure a verificação em duas etapas
set-up-text = A partir daí, só a senha não bastará para agir em seu nome.
set-up-app-link = App autenticador
set-up-app-text = Um app no seu celular mostra um código de seis dígitos. Não precisa de internet.
set-up-phone-link = Aprovar no celular
set-up-phone-text = O app de { $tenant } pergunta e você responde com um toque.
set-up-why-later-text = A partir de { $day } (UTC), { $tenant } pedirá a todos os usuários uma segunda etapa no login.
set-up-why-now-text = { $tenant } pede a todos os usuários uma segunda etapa no login. Configure a sua para continuar.
set-up-why-app-text = { $tenant } pede que você configure um app autenticador.
set-up-other-link = Escolher outro método

## screen: set up an app

app-heading = Configure seu app autenticador
app-open-text = Abra um app autenticador, como Google Authenticator, Microsoft Authenticator ou FreeOTP.
app-scan-text = Escaneie esta imagem com ele.
app-add-text = Adicione esta conta ao seu aplicativo autenticador.
app-open-link = Abrir seu aplicativo autenticador
app-same-link = O app está neste dispositivo: abrir
app-copy-button = Copiar a chave
app-qr-link = Mostrar o código QR
app-none-text = Ainda não tem um aplicativo? Instale um
app-code-text = Digite o código que o app mostra.
app-qr-alt = Código QR para seu app autenticador. A chave abaixo é o mesmo em letras.
app-key-label = Chave
app-name-label = Nome deste app ou celular
app-name-hint = Para você reconhecê-lo depois.
app-name-error = O nome deve ter de 1 a 64 caracteres.
app-stale-error = Esta imagem não é mais a mais recente. Escaneie a nova imagem e digite o código dela.
app-full-error = Você atingiu o número máximo de métodos de autenticação. Remova um primeiro.

## screen: pair a phone

phone-heading = Vincule seu celular
phone-scan-text = Abra o app de { $tenant } no celular e escaneie esta imagem com ele.
phone-open-text = Abra o aplicativo de { $tenant } neste telefone para emparelhá-lo.
phone-open-link = Abrir o aplicativo de { $tenant }
phone-qr-alt = Código QR para o app no seu celular. O link abaixo leva ao mesmo lugar.
paired-heading = Seu celular está vinculado
paired-text = A partir de agora, ele pode confirmar sua identidade.
phone-wait-status = Aguardando seu celular. Esta página continuará automaticamente.
phone-late-error = O dispositivo não foi confirmado a tempo. Escaneie esta nova imagem com ele.
phone-refused-error = Esse dispositivo não foi vinculado. Escaneie esta nova imagem com o seu próprio celular.
phone-taken-error = Esse dispositivo já está vinculado, ou não há lugar para ele. Escaneie esta nova imagem com outro.
pairing-heading = Este é o seu celular?
pairing-text = Um dispositivo escaneou a imagem. Compare este número com o que ele mostra, e vincule-o apenas se estiver nas suas mãos.
pairing-name-label = Nome
pairing-model-label = Modelo
pairing-platform-label = Sistema
pairing-place-label = Local
pairing-yes-button = Sim, este é o meu celular
pairing-no-button = Não
pair-heading = Este link é para um app
pair-app-text = Abra o app de { $tenant } no seu celular. Instale-o antes, se ainda não estiver lá.
pair-scan-text = Escaneie a imagem com esse app, não com a câmera.
pair-once-text = A imagem vincula um único celular, e só durante dez minutos.

## screen: sign in by a code

qr-heading = Entre com seu celular
qr-text = Abra o app de { $tenant } no celular, escaneie a imagem com ele e aprove lá.
qr-alt = Código QR para o app no seu celular.
qr-time-text = A imagem vale por { $time }.
qr-claimed-text = Seu celular escaneou a imagem. Aprove nele.
qr-show-button = Mostrar a imagem
qr-over-error = Esta imagem não vale mais.

## screen: recovery codes

codes-heading = Guarde seus códigos de recuperação
codes-text = Sem o celular, cada um destes códigos permite que você entre uma vez. Ninguém poderá mostrá-los a você novamente.
codes-copy-button = Copiar
codes-copied-status = Copiado.
codes-download-button = Baixar
codes-file-label = codigos-de-recuperacao
codes-print-button = Imprimir
codes-kept-label = Guardei estes códigos em um lugar seguro.
codes-continue-button = Continuar
codes-replaced-error = Os códigos de recuperação daquela página foram substituídos por outros mais novos e já não valem. Guarde os mais novos ou crie outros.

## screen: settings

settings-heading = Sua segurança
settings-methods-heading = Seus métodos de confirmação
settings-none-text = Nada foi configurado ainda. Só a senha basta para agir em seu nome.
settings-new-link = Configurar novo
settings-added-text = Adicionado
settings-used-text = Último uso
settings-never-text = Nunca usado
settings-is-primary-text = Principal
settings-primary-button = Tornar principal
settings-menu-label = Opções de { $name }
settings-rename-label = Nome
settings-rename-button = Renomear
settings-remove-button = Remover
settings-remove-heading = Remover “{ $name }”?
settings-remove-text = Este método não poderá mais confirmar sua identidade. Para usá-lo de novo, será preciso configurá-lo novamente.
settings-remove-last-text = Este é o seu último método. Removê-lo desativa a verificação em duas etapas: sua senha, sozinha, bastará para agir em seu nome.
settings-keep-link = Manter
settings-removed-status = Removido: “{ $name }”.
settings-renamed-status = O novo nome é “{ $name }”.
settings-primary-status = A partir de agora, as solicitações são enviadas primeiro para “{ $name }”.
settings-forgotten-status = O dispositivo foi esquecido.
settings-last-error = Este é seu último método, e { $tenant } exige um. Configure outro primeiro.
settings-fixed-error = { $tenant } não permite remover nada aqui. Entre em contato com { $tenant } para que seja removido.
settings-gone-error = Este item não existe mais.
settings-codes-heading = Códigos de recuperação
settings-codes-text =
    { $left ->
        [0] Você não tem códigos de recuperação.
        [one] Você ainda tem { $left } código de recuperação.
       *[other] Você ainda tem { $left } códigos de recuperação.
    }
settings-codes-button = Gerar novos códigos
settings-codes-hint = Os antigos deixarão de funcionar.
settings-devices-heading = Dispositivos lembrados
settings-devices-text = Nenhum dispositivo lembrado.
settings-until-text = Até
settings-forget-button = Esquecer
settings-activity-heading = Atividade recente
settings-activity-text = Ainda não há atividade.
settings-back-link = Voltar para { $tenant }

## screen: after a success

lost-heading = Perdeu seu celular?
lost-text = Você usou um código de recuperação. Se perdeu o celular, faça isto agora; caso contrário, continue.
lost-new-text = Configure o novo.
lost-old-text = Remova o antigo, para que quem o encontrar não possa agir em seu nome.
few-heading = Seus códigos de recuperação estão acabando

## screen: activity

activity-succeeded-text = Confirmado
activity-asked-text = Confirmação solicitada
activity-allowed-text = Permitido
activity-blocked-text = Bloqueado
activity-failed-text = Não confirmado
activity-review-text = Em análise
activity-added-text = Adicionado: “{ $name }”
activity-removed-text = Removido: “{ $name }”
activity-renamed-text = Novo nome: “{ $name }”
activity-primary-text = “{ $name }” passou a ser o principal
activity-codes-text = Novos códigos de recuperação foram gerados
activity-code-used-text = Um código de recuperação foi usado
activity-forgotten-text = Um dispositivo lembrado foi esquecido

## screen: methods

method-app-label = App autenticador
method-phone-label = Celular
method-browser-label = Navegador
method-email-label = E-mail
method-sms-label = SMS
method-recovery-label = Código de recuperação
method-other-label = Outro

## screen: the end

end-success-heading = Identidade confirmada
end-success-text = Você já pode fechar esta página.
end-nothing-heading = Tudo certo
end-nothing-text = Não há nada a fazer aqui.
end-later-text = Não há mais nada a fazer aqui.
end-quit-heading = Você saiu sem confirmar
end-quit-text = Nada foi alterado. Você pode fechar esta página.
end-blocked-heading = Operação não permitida
end-blocked-text = A solicitação foi recusada. Se isso for inesperado, entre em contato com { $tenant }.
end-review-heading = Em análise
end-review-text = A solicitação está em análise. Você receberá uma resposta.
end-expired-heading = Esta página expirou
end-expired-text = Volte ao aplicativo e comece novamente.
end-wrong-heading = Não é possível mostrar esta página
end-wrong-text = Volte ao aplicativo e comece novamente.
end-trouble-heading = Tente novamente
end-trouble-text = Ocorreu um erro do nosso lado. Nada foi alterado; recarregue a página em instantes.
end-way-heading = É necessário outro método
end-way-text = Nenhum dos seus métodos de confirmação serve para esta operação. Entre em contato com { $tenant }.
end-again-heading = Confirme sua identidade
end-again-text = Para isso, confirme de novo a sua identidade: abra esta página outra vez a partir do aplicativo.
anew-text = Sua confirmação já tem algum tempo. Confirme mais uma vez para ver e alterar o que você configurou.
end-reference-text = Se pedir ajuda, informe este código: { $id }
end-back-link = Voltar para { $tenant }
end-restart-link = Começar de novo

## screen: push

push-question-heading = É você?
push-question-text = Abra o aplicativo para aprovar ou negar.
push-notice-heading = Sua conta
push-notice-text = A forma de confirmar sua identidade foi alterada. Se não foi você, peça ajuda.
