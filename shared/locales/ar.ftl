### What the hosted pages say. A group is a screen; the last word of an id is its role, and bounds its length:
### heading, button, link, label, hint, alt, status, error, text. Tenants may override each (contract, M23-M25).

## screen: every page

quit-link = إلغاء والرجوع
form-used-error = سبق إرسال هذا النموذج، ولم يُنفَّذ أي شيء مرتين. إليك الوضع الحالي.
facts-label = ما تؤكده
facts-account-label = الحساب
facts-tenant-label = بطلب من
facts-sign-in-label = تسجيل الدخول
facts-yes-label = نعم
facts-no-label = لا
slow-error = لم يصل أي رد بعد. يمكنك الإرسال مرة أخرى.
offline-error = أنت غير متصل بالإنترنت. لم يُرسل شيء؛ حاول مرة أخرى عند الاتصال.

## screen: challenge

challenge-heading = أكّد هويتك
challenge-code-text = أدخل الرمز الذي يعرضه تطبيق المصادقة لحسابك لدى { $tenant }.
challenge-code-label = الرمز
challenge-continue-button = متابعة
challenge-ways-heading = طريقة أخرى
challenge-app-link = استخدام رمز من تطبيق المصادقة
challenge-phone-link = الموافقة عبر هاتفك
challenge-recovery-link = استخدام رمز استرداد
challenge-phone-text = سيسألك هاتفك عمّا إذا كنت أنت من يطلب ذلك. تعرض الصفحة التالية رقمًا لإدخاله في الهاتف.
challenge-phone-button = إرسال الطلب
challenge-recovery-text = أدخل أحد رموز الاسترداد التي احتفظت بها. يُستخدم كل رمز مرة واحدة فقط.
challenge-recovery-label = رمز الاسترداد
code-empty-error = أدخل الرمز الذي يعرضه تطبيقك.
code-shape-error =
    { $digits ->
        [6] يتكوّن الرمز من ستة أرقام. اكتبه كما يعرضه تطبيقك.
        [7] يتكوّن الرمز من سبعة أرقام. اكتبه كما يعرضه تطبيقك.
        [8] يتكوّن الرمز من ثمانية أرقام. اكتبه كما يعرضه تطبيقك.
       *[other] يتكوّن الرمز من عدد الأرقام نفسه الذي يعرضه تطبيقك. اكتبها كلها.
    }
code-wrong-error = هذا الرمز غير صحيح أو سبق استخدامه. انتظر الرمز التالي وحاول مرة أخرى.
code-app-hint = استخدم الرمز الذي يعرضه تطبيقك لـ { $tenant }، لا رمز حساب آخر.
code-clock-hint = إذا استمر رفض رموز تطبيقك، فاضبط وقت هاتفك على الوضع التلقائي.
recovery-empty-error = أدخل أحد رموز الاسترداد الخاصة بك.
recovery-shape-error = يتكون رمز الاسترداد من 15 حرفًا ورقمًا في ثلاث مجموعات. أدخله كما احتفظت به.
recovery-wrong-error = رمز الاسترداد هذا غير صحيح أو سبق استخدامه.
attempts-left-hint =
    { $left ->
        [zero] لم تتبقَّ أي محاولة.
        [one] تبقّت لك محاولة واحدة.
        [two] تبقّت لك محاولتان.
        [few] تبقّت لك { $left } محاولات.
        [many] تبقّت لك { $left } محاولة.
       *[other] تبقّت لك { $left } محاولة.
    }
locked-error = محاولات كثيرة جدًا. يمكنك المحاولة مرة أخرى بعد { $time }.
locked-again-link = حاول مرة أخرى
closed-error = رموز خاطئة كثيرة على التوالي. أُوقف استخدام الرموز في حسابك؛ تواصل مع { $tenant } لإعادة تفعيلها.
recovery-closed-error = رموز استرداد خاطئة كثيرة على التوالي. أُوقف استخدامها في حسابك؛ تواصل مع { $tenant } لإعادة تفعيلها.
another-way-hint = يمكنك في هذه الأثناء التأكيد بطريقة أخرى، وذلك يعيد أيضًا تفعيل ما أُوقف.
locked-out-hint = لا توجد هنا طريقة أخرى متاحة لك للتأكيد. تواصل مع { $tenant }: بعد التحقق من هويتك يمكنهم إعادة فتح الدخول لك.

## screen: waiting for a phone

waiting-heading = وافِق عبر هاتفك
waiting-number-text = افتح التطبيق على هاتفك وأدخل فيه هذا الرقم:
waiting-plain-text = افتح التطبيق على هاتفك وأجب من خلاله.
waiting-sent-text = أُرسل إلى { $device }، بقي { $time }.
waiting-sent-status = في انتظار هاتفك. ستنتقل هذه الصفحة تلقائيًا.
waiting-unreachable-status = يتعذّر الوصول إلى هاتفك حاليًا. افتح التطبيق عليه بنفسك، فالطلب في انتظارك هناك.
waiting-again-button = إعادة الإرسال
waiting-other-link = استخدام طريقة أخرى
waiting-denied-error = تم رفض الطلب على هاتفك.
waiting-expired-error = لم يُجَب عن الطلب على هاتفك في الوقت المحدد. أعد إرساله.
waiting-over-error = انتهى هذا الطلب المرسل إلى هاتفك. أعد إرساله أو استخدم طريقة أخرى.
waiting-often-error = أُرسلت طلبات كثيرة إلى هاتفك. يمكن سؤاله مرة أخرى بعد { $time }.
waiting-refused-error = لا يمكن الموافقة على هذه العملية عبر هاتفك. استخدم طريقة أخرى.

## screen: set-up

set-up-heading = إعداد التحقق بخطوتين
set-up-text = بعد ذلك لن تكفي كلمة المرور وحدها للتصرف باسمك.
set-up-app-link = تطبيق المصادقة
set-up-app-text = يعرض تطبيق على هاتفك رمزًا من ستة أرقام، ولا يحتاج إلى شبكة.
set-up-phone-link = الموافقة عبر هاتفك
set-up-phone-text = يسألك تطبيق { $tenant } وتجيب بلمسة واحدة.
set-up-why-later-text = ابتداءً من { $day } (UTC)، ستكون الخطوة الثانية مطلوبة من الجميع لدى { $tenant } عند تسجيل الدخول.
set-up-why-now-text = الخطوة الثانية مطلوبة من الجميع لدى { $tenant } عند تسجيل الدخول. أعِدّ خطوتك للمتابعة.
set-up-why-app-text = يُطلب منك لدى { $tenant } إعداد تطبيق المصادقة.
set-up-other-link = اختيار طريقة أخرى

## screen: set up an app

app-heading = أعِدّ تطبيق المصادقة
app-open-text = افتح تطبيق مصادقة، مثل Google Authenticator أو Microsoft Authenticator أو FreeOTP.
app-scan-text = امسح هذه الصورة به.
app-add-text = أضف هذا الحساب إلى تطبيق المصادقة لديك.
app-open-link = افتح تطبيق المصادقة
app-same-link = التطبيق على هذا الجهاز: فتحه
app-copy-button = انسخ المفتاح
app-qr-link = أظهر رمز QR
app-none-text = ليس لديك تطبيق مصادقة؟ ثبّت واحدًا
app-code-text = أدخل الرمز الذي يعرضه التطبيق.
app-qr-alt = رمز QR لتطبيق المصادقة. المفتاح أدناه هو نفسه مكتوبًا بالحروف.
app-key-label = المفتاح
app-name-label = اسم هذا التطبيق أو الهاتف
app-name-hint = لتتعرّف عليه لاحقًا.
app-name-error = يجب أن يتكون الاسم من 1 إلى 64 حرفًا.
app-stale-error = لم تعد هذه الصورة هي الأحدث. امسح الصورة الجديدة واكتب رمزها.
app-full-error = بلغت الحد الأقصى لعدد وسائل المصادقة. أزِل إحداها أولًا.

## screen: pair a phone

phone-heading = اربط هاتفك
phone-scan-text = افتح تطبيق { $tenant } على هاتفك وامسح هذه الصورة به.
phone-open-text = افتح تطبيق { $tenant } على هذا الهاتف لإقرانه.
phone-open-link = افتح تطبيق { $tenant }
phone-qr-alt = رمز QR لتطبيق هاتفك. الرابط أسفله يؤدي إلى المكان نفسه.
paired-heading = تم ربط هاتفك
paired-text = من الآن فصاعدًا يمكنك تأكيد هويتك به.
phone-wait-status = في انتظار هاتفك. ستنتقل هذه الصفحة تلقائيًا.
phone-late-error = لم يُؤكَّد الجهاز في الوقت المناسب. امسح به هذه الصورة الجديدة.
phone-refused-error = لم يُربط ذلك الجهاز. امسح هذه الصورة الجديدة بهاتفك أنت.
phone-taken-error = ذلك الجهاز مربوط من قبل، أو لا مكان له. امسح هذه الصورة الجديدة بجهاز آخر.
pairing-heading = هل هذا هاتفك؟
pairing-text = مسح جهاز الصورة. قارن هذا الرقم بالرقم الظاهر عليه، ولا تربطه إلا إذا كان في يدك.
pairing-name-label = الاسم
pairing-model-label = الطراز
pairing-platform-label = النظام
pairing-place-label = المكان
pairing-yes-button = نعم، هذا هاتفي
pairing-no-button = لا
pair-heading = هذا الرابط مخصص لتطبيق
pair-app-text = افتح تطبيق { $tenant } على هاتفك. ثبّته أولًا إن لم يكن موجودًا.
pair-scan-text = امسح الصورة بذلك التطبيق، لا بالكاميرا.
pair-once-text = تربط الصورة هاتفًا واحدًا فقط، ولمدة عشر دقائق لا غير.

## screen: sign in by a code

qr-heading = سجّل الدخول بهاتفك
qr-text = افتح تطبيق { $tenant } على هاتفك، وامسح الصورة به، ثم وافق هناك.
qr-alt = رمز QR للتطبيق على هاتفك.
qr-time-text = الصورة صالحة لمدة { $time }.
qr-claimed-text = مسح هاتفك الصورة. وافق هناك.
qr-show-button = اعرض الصورة
qr-over-error = انتهت صلاحية هذه الصورة.

## screen: recovery codes

codes-heading = احتفظ برموز الاسترداد
codes-text = من دون هاتفك، يتيح لك كل رمز من هذه الرموز الدخول مرة واحدة. لا يمكن لأحد عرضها لك مرة أخرى.
codes-copy-button = نسخ
codes-copied-status = تم النسخ.
codes-download-button = تنزيل
codes-file-label = رموز-الاسترداد
codes-print-button = طباعة
codes-kept-label = احتفظت بهذه الرموز في مكان آمن.
codes-continue-button = متابعة
codes-replaced-error = استُبدلت رموز الاسترداد في تلك الصفحة برموز أحدث ولم تعد صالحة. احتفظ بالأحدث أو أنشئ مجموعة جديدة.

## screen: settings

settings-heading = أمان حسابك
settings-methods-heading = طرق تأكيد هويتك
settings-none-text = لم يتم إعداد أي طريقة بعد. كلمة المرور وحدها تكفي للتصرف باسمك.
settings-new-link = إعداد طريقة جديدة
settings-added-text = تاريخ الإضافة
settings-used-text = آخر استخدام
settings-never-text = لم يُستخدم قط
settings-is-primary-text = الأساسي
settings-primary-button = تعيين كأساسي
settings-menu-label = خيارات { $name }
settings-rename-label = الاسم
settings-rename-button = تغيير الاسم
settings-remove-button = إزالة
settings-remove-heading = هل تريد إزالة «{ $name }»؟
settings-remove-text = لن تتمكن بعد ذلك من تأكيد هويتك بهذه الطريقة. لاستخدامها من جديد، عليك إعدادها مرة أخرى.
settings-remove-last-text = هذه آخر وسيلة لديك. إزالتها توقف التحقق بخطوتين: عندئذٍ تكفي كلمة مرورك وحدها للتصرف باسمك.
settings-keep-link = إبقاء
settings-removed-status = تمت إزالة «{ $name }».
settings-renamed-status = الاسم الجديد هو «{ $name }».
settings-primary-status = من الآن فصاعدًا، تُرسَل الطلبات أولًا إلى «{ $name }».
settings-forgotten-status = تم نسيان الجهاز.
settings-last-error = هذه آخر طريقة لديك، ويلزم لدى { $tenant } وجود طريقة واحدة. أعِدّ طريقة أخرى أولًا.
settings-fixed-error = لا يسمح { $tenant } بإزالة أي شيء هنا. تواصل مع { $tenant } لإزالته.
settings-gone-error = هذا العنصر لم يعد موجودًا.
settings-codes-heading = رموز الاسترداد
settings-codes-text =
    { $left ->
        [0] ليس لديك رموز استرداد.
        [zero] ليس لديك رموز استرداد.
        [one] تبقّى لديك رمز استرداد واحد.
        [two] تبقّى لديك رمزا استرداد.
        [few] تبقّت لديك { $left } رموز استرداد.
        [many] تبقّى لديك { $left } رمز استرداد.
       *[other] تبقّى لديك { $left } رمز استرداد.
    }
settings-codes-button = إنشاء رموز جديدة
settings-codes-hint = ستتوقف الرموز القديمة عن العمل.
settings-devices-heading = الأجهزة المحفوظة
settings-devices-text = لا توجد أجهزة محفوظة.
settings-until-text = حتى
settings-forget-button = نسيان
settings-activity-heading = النشاط الأخير
settings-activity-text = لا يوجد أي نشاط بعد.
settings-back-link = الرجوع إلى { $tenant }

## screen: after a success

lost-heading = هل فقدت هاتفك؟
lost-text = لقد استخدمت رمز استرداد. إذا فقدت هاتفك فافعل ما يلي الآن، وإلا فتابع.
lost-new-text = أعدّ الهاتف الجديد.
lost-old-text = أزل الهاتف القديم حتى لا يتمكن من يجده من التصرف باسمك.
few-heading = رموز الاسترداد لديك على وشك النفاد

## screen: activity

activity-succeeded-text = تم التأكيد
activity-asked-text = طُلب التأكيد
activity-allowed-text = تم السماح
activity-blocked-text = تم الحظر
activity-failed-text = لم يتم التأكيد
activity-review-text = قيد المراجعة
activity-added-text = تمت إضافة «{ $name }»
activity-removed-text = تمت إزالة «{ $name }»
activity-renamed-text = تم تغيير الاسم إلى «{ $name }»
activity-primary-text = تم تعيين «{ $name }» كأساسي
activity-codes-text = تم إنشاء رموز استرداد جديدة
activity-code-used-text = تم استخدام رمز استرداد
activity-forgotten-text = تم نسيان جهاز محفوظ

## screen: methods

method-app-label = تطبيق المصادقة
method-phone-label = الهاتف
method-browser-label = المتصفح
method-email-label = البريد الإلكتروني
method-sms-label = رسالة نصية
method-recovery-label = رمز الاسترداد
method-other-label = أخرى

## screen: the end

end-success-heading = تم تأكيد هويتك
end-success-text = يمكنك الآن إغلاق هذه الصفحة.
end-nothing-heading = كل شيء على ما يرام
end-nothing-text = لا يوجد ما عليك فعله هنا.
end-later-text = لم يعد هناك ما عليك فعله هنا.
end-quit-heading = خرجت دون تأكيد
end-quit-text = لم يتغير أي شيء. يمكنك إغلاق هذه الصفحة.
end-blocked-heading = هذا الإجراء غير مسموح به
end-blocked-text = تم رفض الطلب. تواصل مع { $tenant } إذا كان ذلك غير متوقع.
end-review-heading = قيد المراجعة
end-review-text = تجري مراجعة الطلب، وسيتم إبلاغك بالنتيجة.
end-expired-heading = انتهت صلاحية هذه الصفحة
end-expired-text = ارجع إلى التطبيق وابدأ من جديد.
end-wrong-heading = لا يمكن عرض هذه الصفحة
end-wrong-text = ارجع إلى التطبيق وابدأ من جديد.
end-trouble-heading = حاول مرة أخرى
end-trouble-text = حدث خطأ من جانبنا. لم يتغير أي شيء؛ أعد تحميل الصفحة بعد قليل.
end-way-heading = يلزم استخدام طريقة أخرى
end-way-text = لا تصلح أي من طرق التأكيد لديك لهذه العملية. تواصل مع { $tenant }.
end-again-heading = أكّد هويتك
end-again-text = لإجراء ذلك، أكّد هويتك من جديد: افتح هذه الصفحة مرة أخرى من التطبيق.
anew-text = مضى وقت على تأكيدك. أكّد مرة أخرى لترى ما أعددته وتغيّره.
end-reference-text = عند طلب المساعدة، اذكر هذا المرجع: { $id }
end-back-link = الرجوع إلى { $tenant }
end-restart-link = ابدأ من جديد

## screen: push

push-question-heading = هل هذا أنت؟
push-question-text = افتح التطبيق للموافقة أو الرفض.
push-notice-heading = حسابك
push-notice-text = تغيّرت طريقة تأكيد هويتك. إذا لم تكن أنت من غيّرها فاطلب المساعدة.
