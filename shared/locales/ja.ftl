### What the hosted pages say. A group is a screen; the last word of an id is its role, and bounds its length:
### heading, button, link, label, hint, alt, status, error, text. Tenants may override each (contract, M23-M25).

## screen: every page

quit-link = キャンセルして戻る
form-used-error = このフォームはすでに送信済みのため、二重の処理は行われていません。現在の状況は次のとおりです。
facts-label = 確認する内容
facts-account-label = アカウント
facts-tenant-label = 依頼元
facts-sign-in-label = サインイン
facts-yes-label = はい
facts-no-label = いいえ
slow-error = まだ応答がありません。もう一度送信できます。
offline-error = オフラインです。何も送信されていません。接続してから、もう一度お試しください。

## screen: challenge

challenge-heading = ご本人確認
challenge-code-text = 認証アプリに表示されている{ $tenant }のコードを入力してください。
challenge-code-label = コード
challenge-continue-button = 続ける
challenge-ways-heading = 別の方法
challenge-app-link = 認証アプリのコードを使う
challenge-phone-link = スマートフォンで承認する
challenge-recovery-link = リカバリーコードを使う
challenge-phone-text = スマートフォンにご本人かどうかの確認が届きます。次のページに表示される番号をスマートフォンに入力してください。
challenge-phone-button = 確認を送信
challenge-recovery-text = 保管しているリカバリーコードを1つ入力してください。各コードは1回のみ使えます。
challenge-recovery-label = リカバリーコード
code-empty-error = アプリに表示されているコードを入力してください。
code-shape-error =
    { $digits ->
        [6] コードは 6 桁の数字です。アプリに表示されているとおりに入力してください。
        [7] コードは 7 桁の数字です。アプリに表示されているとおりに入力してください。
        [8] コードは 8 桁の数字です。アプリに表示されているとおりに入力してください。
       *[other] コードの桁数はアプリの表示と同じです。すべて入力してください。
    }
code-wrong-error = コードが正しくないか、すでに使用されています。次のコードが表示されてから、もう一度お試しください。
code-app-hint = 別のアカウントのものではなく、アプリに{ $tenant }の名前で表示されているコードを使ってください。
code-clock-hint = アプリのコードが何度も受け付けられない場合は、スマートフォンの時刻を自動設定にしてください。
recovery-empty-error = リカバリーコードを1つ入力してください。
recovery-shape-error = リカバリーコードは英数字15文字で、3つのグループに分かれています。保存したとおりに入力してください。
recovery-wrong-error = リカバリーコードが正しくないか、すでに使用されています。
attempts-left-hint =
    { $left ->
       *[other] あと{ $left }回お試しいただけます。
    }
locked-error = 試行回数が上限に達しました。{ $time } 後に、もう一度お試しいただけます。
locked-again-link = もう一度試す
closed-error = コードの誤入力が続いたため、お客様のアカウントではコードを使用できません。再開については{ $tenant }にお問い合わせください。
recovery-closed-error = リカバリーコードの誤入力が続いたため、お客様のアカウントでは使用できません。再開については{ $tenant }にお問い合わせください。
another-way-hint = その間は別の方法で確認できます。確認できると、停止中の方法も再び使用できます。
locked-out-hint = ほかに利用できる確認方法がありません。{ $tenant }にお問い合わせください。ご本人であることが確認できれば、再び利用できるようになります。

## screen: waiting for a phone

waiting-heading = スマートフォンで承認
waiting-number-text = スマートフォンでアプリを開き、次の番号を入力してください：
waiting-plain-text = スマートフォンでアプリを開き、回答してください。
waiting-sent-text = { $device }に送信しました。残り { $time }
waiting-sent-status = スマートフォンでの操作をお待ちしています。このページは自動的に進みます。
waiting-unreachable-status = 現在、スマートフォンに通知を送信できません。スマートフォンでアプリを開き、届いている確認にお答えください。
waiting-again-button = 再送信
waiting-other-link = 別の方法を使う
waiting-denied-error = スマートフォンで拒否されました。
waiting-expired-error = 時間内にスマートフォンでの回答がありませんでした。再送信してください。
waiting-over-error = スマートフォンへのこの確認は終了しました。再送信するか、別の方法をお使いください。
waiting-often-error = スマートフォンへの確認の送信回数が上限に達しました。{ $time } 後に、もう一度送信できます。
waiting-refused-error = この操作はスマートフォンでは承認できません。別の方法をお使いください。

## screen: set-up

set-up-heading = 2段階認証の設定
set-up-text = 設定後は、パスワードだけではお客様として操作できなくなります。
set-up-app-link = 認証アプリ
set-up-app-text = スマートフォンのアプリに6桁のコードが表示されます。通信は不要です。
set-up-phone-link = スマートフォンで承認
set-up-phone-text = { $tenant }のアプリに届く確認に、タップで答えます。
set-up-why-later-text = { $day }（UTC）以降、{ $tenant }ではすべての方にログイン時の2段階認証をお願いします。
set-up-why-now-text = { $tenant }ではすべての方にログイン時の2段階認証をお願いしています。続けるには設定してください。
set-up-why-app-text = { $tenant }より、認証アプリの設定をお願いしています。
set-up-other-link = 別の方法を選ぶ

## screen: set up an app

app-heading = 認証アプリの設定
app-open-text = Google Authenticator、Microsoft Authenticator、FreeOTPなどの認証アプリを開いてください。
app-scan-text = アプリでこの画像を読み取ってください。
app-add-text = このアカウントを認証アプリに追加してください。
app-open-link = 認証アプリを開く
app-same-link = この端末にアプリがある場合：アプリを開く
app-copy-button = キーをコピー
app-qr-link = QRコードを表示
app-none-text = 認証アプリをお持ちでない場合は、インストール
app-code-text = アプリに表示されているコードを入力してください。
app-qr-alt = 認証アプリ用のQRコード。下のキーは同じ内容を文字で表したものです。
app-key-label = キー
app-name-label = このアプリまたはスマートフォンの名前
app-name-hint = 後で見分けるための名前です。
app-name-error = 名前は1～64文字で入力してください。
app-stale-error = この画像は最新のものではありません。新しい画像を読み取り、そのコードを入力してください。
app-full-error = 認証方法の登録数が上限に達しています。先にいずれかを削除してください。

## screen: pair a phone

phone-heading = スマートフォンの登録
phone-scan-text = スマートフォンで{ $tenant }のアプリを開き、この画像を読み取ってください。
phone-open-text = このスマートフォンで { $tenant } のアプリを開いて、ペアリングしてください。
phone-open-link = { $tenant } のアプリを開く
phone-qr-alt = スマートフォンのアプリ用のQRコードです。下のリンクからも同じ場所を開けます。
paired-heading = スマートフォンを登録しました
paired-text = 今後はスマートフォンでご本人確認ができます。
phone-wait-status = スマートフォンでの操作をお待ちしています。このページは自動的に進みます。
phone-late-error = 時間内に端末が確認されませんでした。その端末でこの新しい画像を読み取ってください。
phone-refused-error = その端末は登録されませんでした。ご自分のスマートフォンでこの新しい画像を読み取ってください。
phone-taken-error = その端末はすでに登録されているか、登録できる台数の上限に達しています。別の端末でこの新しい画像を読み取ってください。
pairing-heading = これはあなたのスマートフォンですか？
pairing-text = ある端末が画像を読み取りました。この番号が端末に表示された番号と同じか確かめ、お手元の端末である場合にだけ登録してください。
pairing-name-label = 名前
pairing-model-label = 機種
pairing-platform-label = システム
pairing-place-label = 場所
pairing-yes-button = はい、自分のスマートフォンです
pairing-no-button = いいえ
pair-heading = これはアプリ用のリンクです
pair-app-text = スマートフォンで{ $tenant }のアプリを開いてください。まだない場合は、先にインストールしてください。
pair-scan-text = カメラではなく、そのアプリで画像を読み取ってください。
pair-once-text = この画像で登録できるのは1台だけで、有効なのは10分間です。

## screen: sign in by a code

qr-heading = スマートフォンでログイン
qr-text = スマートフォンで{ $tenant }のアプリを開き、画像を読み取って承認してください。
qr-alt = スマートフォンのアプリで読み取るQRコードです。
qr-time-text = この画像の有効時間：残り { $time }
qr-claimed-text = スマートフォンで画像が読み取られました。スマートフォンで承認してください。
qr-show-button = 画像を表示
qr-over-error = この画像の有効期限が切れました。

## screen: recovery codes

codes-heading = リカバリーコードの保管
codes-text = スマートフォンがないときは、これらのコードで1つにつき1回ログインできます。コードは二度と表示できません。
codes-copy-button = コピー
codes-copied-status = コピーしました。
codes-download-button = ダウンロード
codes-file-label = リカバリーコード
codes-print-button = 印刷
codes-kept-label = コードを安全な場所に保管しました。
codes-continue-button = 続ける
codes-replaced-error = 前のページのリカバリーコードは新しいものに置き換えられたため、使用できません。新しいコードを保存するか、もう一度作成してください。

## screen: settings

settings-heading = セキュリティ設定
settings-methods-heading = ご本人確認の方法
settings-none-text = まだ何も設定されていません。パスワードだけでお客様として操作できる状態です。
settings-new-link = 新しく設定する
settings-added-text = 追加日
settings-used-text = 最終使用
settings-never-text = 未使用
settings-is-primary-text = 優先
settings-primary-button = 優先にする
settings-menu-label = { $name } の操作
settings-rename-label = 名前
settings-rename-button = 名前を変更
settings-remove-button = 削除
settings-remove-heading = 「{ $name }」を削除しますか？
settings-remove-text = ご本人確認に使えなくなります。再び使うには、新たに設定する必要があります。
settings-remove-last-text = これが最後の方法です。削除すると2段階認証がオフになり、パスワードだけであなたとして操作できるようになります。
settings-keep-link = 削除しない
settings-removed-status = 「{ $name }」を削除しました。
settings-renamed-status = 名前を「{ $name }」に変更しました。
settings-primary-status = 今後は最初に「{ $name }」で確認します。
settings-forgotten-status = 端末の記憶を解除しました。
settings-last-error = これは最後の認証方法です。{ $tenant }では1つ以上必要なため、先に別の方法を設定してください。
settings-fixed-error = { $tenant }では、ここで削除することはできません。削除をご希望の場合は{ $tenant }にお問い合わせください。
settings-gone-error = この項目はすでに存在しません。
settings-codes-heading = リカバリーコード
settings-codes-text =
    { $left ->
        [0] リカバリーコードはありません。
       *[other] リカバリーコードは残り{ $left }個です。
    }
settings-codes-button = 新しいコードを作成
settings-codes-hint = 以前のコードは使えなくなります。
settings-devices-heading = 記憶済みの端末
settings-devices-text = 記憶済みの端末はありません。
settings-until-text = 有効期限
settings-forget-button = 記憶を解除
settings-activity-heading = 最近のアクティビティ
settings-activity-text = アクティビティはまだありません。
settings-back-link = { $tenant }に戻る

## screen: after a success

lost-heading = スマートフォンをなくされましたか？
lost-text = リカバリーコードが使用されました。スマートフォンが手元にない場合は、今すぐ次の操作を行ってください。手元にある場合は、そのままお進みください。
lost-new-text = 新しいスマートフォンを設定します。
lost-old-text = 拾った人に悪用されないように、古いスマートフォンを削除します。
few-heading = リカバリーコードが残りわずかです

## screen: activity

activity-succeeded-text = 確認済み
activity-asked-text = 確認を要求
activity-allowed-text = 許可
activity-blocked-text = ブロック
activity-failed-text = 未確認
activity-review-text = 審査中
activity-added-text = 「{ $name }」を追加
activity-removed-text = 「{ $name }」を削除
activity-renamed-text = 名前を「{ $name }」に変更
activity-primary-text = 「{ $name }」を優先に設定
activity-codes-text = 新しいリカバリーコードを作成
activity-code-used-text = リカバリーコードを使用
activity-forgotten-text = 端末の記憶を解除

## screen: methods

method-app-label = 認証アプリ
method-phone-label = スマートフォン
method-browser-label = ブラウザ
method-email-label = メール
method-sms-label = SMS
method-recovery-label = リカバリーコード
method-other-label = その他

## screen: the end

end-success-heading = ご本人確認が完了しました
end-success-text = このページを閉じても問題ありません。
end-nothing-heading = 問題ありません
end-nothing-text = ここで必要な操作はありません。
end-later-text = これ以上必要な操作はありません。
end-quit-heading = 確認せずに終了しました
end-quit-text = 何も変更されていません。このページを閉じても問題ありません。
end-blocked-heading = この操作は許可されていません
end-blocked-text = リクエストは拒否されました。お心当たりがない場合は、{ $tenant }にお問い合わせください。
end-review-heading = 審査中
end-review-text = 担当者がリクエストを確認しています。結果は後ほどお知らせします。
end-expired-heading = ページの有効期限が切れました
end-expired-text = アプリに戻り、もう一度やり直してください。
end-wrong-heading = このページを表示できません
end-wrong-text = アプリに戻り、もう一度やり直してください。
end-trouble-heading = もう一度お試しください
end-trouble-text = 当方で問題が発生しました。何も変更されていません。しばらくしてからページを再読み込みしてください。
end-way-heading = 別の方法が必要です
end-way-text = ご登録の確認方法は、この操作には使えません。{ $tenant }にお問い合わせください。
end-again-heading = ご本人確認
end-again-text = この操作には、もう一度ご本人の確認が必要です。アプリからこのページを開き直してください。
anew-text = 前回の確認から時間が経っています。設定内容の表示や変更には、もう一度確認が必要です。
end-reference-text = お問い合わせの際は、次の番号をお知らせください：{ $id }
end-back-link = { $tenant }に戻る
end-restart-link = 最初からやり直す

## screen: push

push-question-heading = ご本人ですか？
push-question-text = アプリを開いて承認または拒否してください。
push-notice-heading = あなたのアカウント
push-notice-text = 本人確認の方法が変更されました。心当たりがない場合は、お問い合わせください。
