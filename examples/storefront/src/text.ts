// Words of the shop in its three languages. What is wrong with a form the server says, in the page's language.
import { useSyncExternalStore } from 'react'

const fr = {
  shop: 'Dar Zellige', skip: 'Aller au contenu', language: 'Langue', account: 'Mon compte', home: 'Accueil', logIn: 'Se connecter', logOut: 'Se déconnecter', register: 'Créer un compte',
  heroTitle: 'Des mains, de la terre, du temps', heroText: 'Céramiques de Fès, tapis de l’Atlas et lanternes de Marrakech, choisis chez ceux qui les font.', heroLink: 'Créer un compte',
  hello: (name: string) => `Bonjour ${name}`, chosen: 'Choisis pour vous',
  bowl: 'Bol de Fès', rug: 'Tapis de l’Atlas', lamp: 'Lanterne ciselée', tray: 'Plateau de Tétouan', price: (n: number) => `${n.toLocaleString('fr-FR')} DH`,
  loginTitle: 'Content de vous revoir', loginText: 'Connectez-vous pour suivre vos commandes.', name: 'Nom d’utilisateur ou e-mail', password: 'Mot de passe', forgotten: 'Mot de passe oublié ?', noAccount: 'Pas encore de compte ?',
  registerTitle: 'Bienvenue', registerText: 'Un compte, et vos commandes vous suivent.', username: 'Nom d’utilisateur', usernameHint: 'Lettres, chiffres et @ . + - _', firstName: 'Prénom', lastName: 'Nom', email: 'E-mail', passwordHint: '8 caractères au moins ; une petite phrase convient bien.', haveAccount: 'Déjà un compte ?', optional: 'facultatif',
  show: 'Afficher', hide: 'Masquer', showPassword: 'Afficher le mot de passe', hidePassword: 'Masquer le mot de passe',
  profile: 'Profil', devices: 'Appareils', passwordTab: 'Mot de passe', save: 'Enregistrer', saved: 'C’est enregistré.',
  profileText: 'Ce que nous savons de vous, et rien de plus.', verified: 'Adresse vérifiée', notVerified: 'Adresse à vérifier', resend: 'Renvoyer l’e-mail de vérification', resent: 'L’e-mail est parti. Pensez aux indésirables.', noEmail: 'Aucune adresse',
  since: 'Client depuis', download: 'Télécharger mes données', yours: 'Vos données',
  devicesText: 'Là où votre compte est ouvert en ce moment. Vous ne reconnaissez pas un appareil ? Déconnectez-le, puis changez de mot de passe.', thisDevice: 'Cet appareil', lastUsed: 'Vu le', end: 'Déconnecter', endOf: (d: string) => `Déconnecter ${d}`, endAll: 'Déconnecter tous les appareils', unknownDevice: 'Appareil inconnu', ended: 'L’appareil est déconnecté.',
  passwordTitle: 'Changer de mot de passe', passwordText: 'Vos autres appareils seront déconnectés.', current: 'Mot de passe actuel', next: 'Nouveau mot de passe', change: 'Changer', changed: 'Votre mot de passe a changé.',
  forgotTitle: 'Mot de passe oublié', forgotText: 'Indiquez votre e-mail : nous y envoyons un lien.', sendLink: 'Envoyer le lien', sentTitle: 'Regardez vos e-mails', sentText: (a: string) => `Si un compte utilise ${a}, un lien vient d’y partir. Il est valable une heure. Pensez aux indésirables.`, otherAddress: 'Une autre adresse', backToLogin: 'Retour à la connexion',
  resetTitle: 'Nouveau mot de passe', resetText: 'Choisissez-en un que vous n’utilisez nulle part ailleurs.', choose: 'Choisir ce mot de passe', resetDone: 'Votre mot de passe a changé. Vous pouvez vous connecter.', newLink: 'Demander un autre lien',
  verifyTitle: 'Vérifier votre adresse', verifyText: 'Un geste, et nous savons que cette adresse est la vôtre.', verify: 'Vérifier mon adresse', verifyDone: 'Merci, votre adresse est vérifiée.', toShop: 'Vers la boutique',
  confirmTitle: 'Votre nouvelle adresse', confirmText: 'Voulez-vous utiliser cette adresse ?', confirm: 'Utiliser cette adresse', confirmDone: 'C’est fait : votre adresse a changé.',
  undoTitle: 'Ce n’était pas vous ?', undoText: 'Nous rétablissons l’adresse d’avant et fermons toutes les sessions.', undo: 'Rétablir mon adresse', undoDone: 'Votre adresse est rétablie. Un lien pour choisir un mot de passe vient d’y partir.',
  noToken: 'Ce lien est incomplet. Ouvrez-le depuis l’e-mail.',
  notFound: 'Cette page n’existe pas', notFoundText: 'Le lien est peut-être ancien.',
  noMethod: 'Cette page ne sait demander aucun de vos moyens de connexion. Essayez avec un autre navigateur.', code: 'Code à six chiffres', appHint: 'Dans votre application d’authentification.', mailHint: 'Il vient de partir et reste valable dix minutes.', mailText: 'Nous envoyons un code à votre adresse e-mail.', sendCode: 'Envoyer le code',
  byPasskey: 'Utiliser une clé d’accès', byApp: 'Utiliser l’application', byRecoveryCode: 'Utiliser un code de secours', byPassword: 'Utiliser le mot de passe', byMail: 'Recevoir un code par e-mail', usePasskey: 'Continuer avec la clé d’accès', passkeyHint: 'Votre appareil demande votre doigt, votre visage ou votre code.', loginByPasskey: 'Se connecter avec une clé d’accès',
  recoveryCode: 'Code de secours', recoveryHint: 'L’un des dix que vous avez gardés ; il ne sert qu’une fois.', trust: 'Faire confiance à cet appareil', trustHint: 'Pendant 30 jours, le mot de passe suffira ici. Pas sur un ordinateur partagé.',
  secondTitle: 'Encore une étape', secondText: 'Le mot de passe est bon. Montrez maintenant que c’est vous.', proofTitle: 'Confirmez que c’est vous', proofText: 'Cela protège votre compte si quelqu’un utilise cet appareil.', proofButton: 'Confirmer', cancel: 'Annuler',
  security: 'Connexion en deux étapes', securityTab: 'Sécurité', securityText: 'Un mot de passe se devine ou se vole. Avec une seconde étape, il ne suffit plus.', twoSteps: 'Seconde étape', on: 'Activée', off: 'Désactivée', twoStepsNone: 'Une application sur votre téléphone donne un code à chaque connexion. C’est gratuit et marche sans réseau.',
  app: 'Application d’authentification', passkey: 'Clé d’accès', added: 'Depuis le', addApp: 'Ajouter une application', addPasskey: 'Ajouter une clé d’accès', factorAdded: 'C’est fait : la seconde étape est en place.', factorRemoved: 'C’est retiré.', remove: 'Retirer', removeOf: (f: string) => `Retirer ${f}`, removeText: 'La prochaine connexion s’en passera.', removeLast: 'Il n’en restera pas d’autre : le mot de passe suffira de nouveau, et les codes de secours ne serviront plus.', keep: 'Garder',
  scanText: 'Ouvrez une application comme Aegis, Google Authenticator ou 2FAS, et scannez ce code.', qr: 'Code QR pour l’application d’authentification', openApp: 'Ouvrir dans mon application', secretText: 'Ou tapez cette clé dans l’application :', copySecret: 'Copier la clé', confirmApp: 'Activer', firstCodeHint: 'Celui que l’application montre maintenant.', factorName: 'Nom', factorNameHint: 'Pour la reconnaître, « Mon Pixel » par exemple.',
  recoveryCodes: 'Codes de secours', codesText: 'Chacun ouvre votre compte une fois, si votre téléphone est perdu. Nous ne les montrerons plus : il faut les garder maintenant.', codesLeft: (n: number) => `Il en reste : ${n}`, newCodes: 'Nouveaux codes', copyCodes: 'Copier', print: 'Imprimer', copied: 'Copié.', notCopied: 'Le navigateur ne le permet pas.', codesKept: 'Je les ai gardés en lieu sûr', codesKeep: 'Gardez-les d’abord : sans eux, un téléphone perdu ferme votre compte.', finish: 'Terminer',
  otherSessions: (n: number) => `Autres connexions ouvertes avant ce changement : ${n}.`, seeDevices: 'Les voir', trustedDevices: 'Appareils de confiance', trustedText: 'Ils ne demandent que le mot de passe.', until: 'Jusqu’au', distrust: 'Ne plus faire confiance', distrustOf: (d: string) => `Ne plus faire confiance à ${d}`, trustEnded: 'Cet appareil demandera de nouveau la seconde étape.',
  recoveryTitle: 'Une récupération de ce compte est en cours', recoveryText: (a: string, d: string) => `À partir du ${d}, la boîte ${a} pourra l’ouvrir sans la seconde étape. Si ce n’est pas vous, arrêtez-la.`, recoveryStop: 'Arrêter', recoveryStopped: 'La récupération est arrêtée.',
  network: 'Pas de connexion. Vérifiez votre réseau, puis réessayez.', wait: (n: number) => `Trop d’essais. Réessayez dans ${n} s.`, trouble: (id: string) => `Quelque chose n’a pas marché de notre côté.${id && ` Référence : ${id}`}`, unknownOutcome: 'La réponse s’est perdue : c’est peut-être fait. Vérifiez avant de recommencer.',
  loggedOutEnded: 'Votre session est terminée. Reconnectez-vous.', loggedOutByYou: 'Vous êtes déconnecté.', busy: 'Un instant…', footer: 'Boutique d’exemple de Yoozak Clients',
}

const ar: typeof fr = {
  shop: 'دار الزليج', skip: 'إلى المحتوى', language: 'اللغة', account: 'حسابي', home: 'الرئيسية', logIn: 'تسجيل الدخول', logOut: 'تسجيل الخروج', register: 'إنشاء حساب',
  heroTitle: 'يدٌ وطينٌ ووقت', heroText: 'فخار فاس وزرابي الأطلس وفوانيس مراكش، نختارها عند صانعيها.', heroLink: 'أنشئ حسابك',
  hello: name => `مرحبا ${name}`, chosen: 'اخترناها لك',
  bowl: 'زلافة فاسية', rug: 'زربية أطلسية', lamp: 'فانوس منقوش', tray: 'صينية تطوانية', price: n => `${n.toLocaleString('fr-FR')} درهم`,
  loginTitle: 'سعداء بعودتك', loginText: 'سجّل الدخول لتتابع طلباتك.', name: 'اسم المستخدم أو البريد الإلكتروني', password: 'كلمة المرور', forgotten: 'نسيت كلمة المرور؟', noAccount: 'ليس لديك حساب؟',
  registerTitle: 'أهلا وسهلا', registerText: 'حساب واحد، وطلباتك معك أينما كنت.', username: 'اسم المستخدم', usernameHint: 'حروف وأرقام و @ . + - _', firstName: 'الاسم الشخصي', lastName: 'الاسم العائلي', email: 'البريد الإلكتروني', passwordHint: '8 أحرف على الأقل؛ جملة قصيرة اختيار جيد.', haveAccount: 'لديك حساب؟', optional: 'اختياري',
  show: 'إظهار', hide: 'إخفاء', showPassword: 'إظهار كلمة المرور', hidePassword: 'إخفاء كلمة المرور',
  profile: 'معلوماتي', devices: 'الأجهزة', passwordTab: 'كلمة المرور', save: 'حفظ', saved: 'تم الحفظ.',
  profileText: 'ما نعرفه عنك، لا أكثر.', verified: 'عنوان مؤكَّد', notVerified: 'عنوان غير مؤكَّد', resend: 'إعادة إرسال رسالة التأكيد', resent: 'أُرسلت الرسالة. انظر أيضا في الرسائل غير المرغوب فيها.', noEmail: 'لا عنوان',
  since: 'زبون منذ', download: 'تنزيل معطياتي', yours: 'معطياتك',
  devicesText: 'الأجهزة التي حسابك مفتوح عليها الآن. لا تعرف جهازا منها؟ أخرجه ثم غيّر كلمة المرور.', thisDevice: 'هذا الجهاز', lastUsed: 'آخر استعمال', end: 'إخراج', endOf: d => `إخراج ${d}`, endAll: 'الخروج من كل الأجهزة', unknownDevice: 'جهاز غير معروف', ended: 'تم إخراج الجهاز.',
  passwordTitle: 'تغيير كلمة المرور', passwordText: 'ستخرج أجهزتك الأخرى من الحساب.', current: 'كلمة المرور الحالية', next: 'كلمة المرور الجديدة', change: 'تغيير', changed: 'تغيّرت كلمة المرور.',
  forgotTitle: 'نسيت كلمة المرور', forgotText: 'اكتب بريدك الإلكتروني لنرسل إليه رابطا.', sendLink: 'إرسال الرابط', sentTitle: 'انظر في بريدك', sentText: a => `إذا كان هناك حساب بالعنوان \u2068${a}\u2069 فقد أرسلنا إليه رابطا صالحا لساعة. انظر أيضا في الرسائل غير المرغوب فيها.`, otherAddress: 'عنوان آخر', backToLogin: 'العودة إلى تسجيل الدخول',
  resetTitle: 'كلمة مرور جديدة', resetText: 'اختر كلمة مرور لا تستعملها في مكان آخر.', choose: 'اعتماد كلمة المرور', resetDone: 'تغيّرت كلمة المرور. يمكنك تسجيل الدخول.', newLink: 'طلب رابط آخر',
  verifyTitle: 'تأكيد عنوانك', verifyText: 'ضغطة واحدة لنتأكد أن هذا العنوان لك.', verify: 'تأكيد عنواني', verifyDone: 'شكرا، تم تأكيد عنوانك.', toShop: 'إلى المتجر',
  confirmTitle: 'عنوانك الجديد', confirmText: 'هل تريد استعمال هذا العنوان؟', confirm: 'استعمال هذا العنوان', confirmDone: 'تم تغيير عنوانك.',
  undoTitle: 'لم تكن أنت؟', undoText: 'نعيد العنوان السابق ونغلق كل الجلسات.', undo: 'إعادة عنواني', undoDone: 'عاد عنوانك، وأرسلنا إليه رابطا لاختيار كلمة المرور.',
  noToken: 'الرابط ناقص. افتحه من الرسالة.',
  notFound: 'هذه الصفحة غير موجودة', notFoundText: 'ربما الرابط قديم.',
  noMethod: 'لا تستطيع هذه الصفحة طلب أي من وسائلك. جرّب متصفحا آخر.', code: 'رمز من ستة أرقام', appHint: 'في تطبيق المصادقة على هاتفك.', mailHint: 'أُرسل للتو وهو صالح لعشر دقائق.', mailText: 'نرسل رمزا إلى بريدك الإلكتروني.', sendCode: 'إرسال الرمز',
  byPasskey: 'استعمال مفتاح مرور', byApp: 'استعمال التطبيق', byRecoveryCode: 'استعمال رمز طوارئ', byPassword: 'استعمال كلمة المرور', byMail: 'تلقي رمز بالبريد الإلكتروني', usePasskey: 'المتابعة بمفتاح المرور', passkeyHint: 'يطلب جهازك بصمتك أو وجهك أو رمزه.', loginByPasskey: 'الدخول بمفتاح مرور',
  recoveryCode: 'رمز الطوارئ', recoveryHint: 'أحد الرموز العشرة التي احتفظت بها؛ يصلح مرة واحدة.', trust: 'الوثوق بهذا الجهاز', trustHint: 'تكفي هنا كلمة المرور لمدة 30 يوما. لا تفعل ذلك على حاسوب مشترك.',
  secondTitle: 'خطوة أخرى', secondText: 'كلمة المرور صحيحة. أثبت الآن أنك أنت.', proofTitle: 'أكّد أنك أنت', proofText: 'هذا يحمي حسابك إن استعمل غيرك هذا الجهاز.', proofButton: 'تأكيد', cancel: 'إلغاء',
  security: 'الدخول بخطوتين', securityTab: 'الأمان', securityText: 'قد تُخمَّن كلمة المرور أو تُسرق. بخطوة ثانية لا تكفي وحدها.', twoSteps: 'الخطوة الثانية', on: 'مفعّلة', off: 'غير مفعّلة', twoStepsNone: 'تطبيق على هاتفك يعطي رمزا عند كل دخول. مجاني ويعمل دون شبكة.',
  app: 'تطبيق مصادقة', passkey: 'مفتاح مرور', added: 'منذ', addApp: 'إضافة تطبيق', addPasskey: 'إضافة مفتاح مرور', factorAdded: 'تم: الخطوة الثانية مفعّلة.', factorRemoved: 'تمت الإزالة.', remove: 'إزالة', removeOf: f => `إزالة ${f}`, removeText: 'لن يُطلب عند الدخول القادم.', removeLast: 'هذه آخر وسيلة: ستكفي كلمة المرور من جديد، ولن تصلح رموز الطوارئ.', keep: 'إبقاء',
  scanText: 'افتح تطبيقا مثل Aegis أو Google Authenticator أو 2FAS وامسح هذا الرمز.', qr: 'رمز QR لتطبيق المصادقة', openApp: 'فتح في تطبيقي', secretText: 'أو اكتب هذا المفتاح في التطبيق:', copySecret: 'نسخ المفتاح', confirmApp: 'تفعيل', firstCodeHint: 'الرمز الذي يظهر في التطبيق الآن.', factorName: 'الاسم', factorNameHint: 'لتعرفه، مثلا «هاتفي».',
  recoveryCodes: 'رموز الطوارئ', codesText: 'كل رمز يفتح حسابك مرة واحدة إذا ضاع هاتفك. لن نعرضها مرة أخرى: احتفظ بها الآن.', codesLeft: n => `المتبقي: ${n}`, newCodes: 'رموز جديدة', copyCodes: 'نسخ', print: 'طباعة', copied: 'تم النسخ.', notCopied: 'المتصفح لا يسمح بذلك.', codesKept: 'احتفظت بها في مكان آمن', codesKeep: 'احتفظ بها أولا: بدونها يُغلق حسابك إن ضاع هاتفك.', finish: 'إنهاء',
  otherSessions: n => `جلسات أخرى فُتحت قبل هذا التغيير: ${n}.`, seeDevices: 'عرضها', trustedDevices: 'الأجهزة الموثوقة', trustedText: 'لا تطلب إلا كلمة المرور.', until: 'حتى', distrust: 'إلغاء الثقة', distrustOf: d => `إلغاء الثقة في ${d}`, trustEnded: 'سيطلب هذا الجهاز الخطوة الثانية من جديد.',
  recoveryTitle: 'يجري استرجاع هذا الحساب', recoveryText: (a, d) => `ابتداء من ${d} يستطيع صاحب البريد \u2068${a}\u2069 فتحه دون وسيلة ثانية. إن لم تكن أنت فأوقف ذلك.`, recoveryStop: 'إيقاف', recoveryStopped: 'توقف الاسترجاع.',
  network: 'لا اتصال. تحقق من الشبكة ثم أعد المحاولة.', wait: n => `محاولات كثيرة. أعد المحاولة بعد ${n} ثانية.`, trouble: id => `وقع خلل من جانبنا.${id && ` المرجع: ${id}`}`, unknownOutcome: 'ضاع الجواب، وربما تم الأمر. تحقق قبل أن تعيد.',
  loggedOutEnded: 'انتهت جلستك. سجّل الدخول من جديد.', loggedOutByYou: 'تم تسجيل الخروج.', busy: 'لحظة…', footer: 'متجر مثال لـ Yoozak Clients',
}

const en: typeof fr = {
  shop: 'Dar Zellige', skip: 'Skip to content', language: 'Language', account: 'My account', home: 'Home', logIn: 'Log in', logOut: 'Log out', register: 'Create an account',
  heroTitle: 'Hands, clay and time', heroText: 'Ceramics from Fez, rugs from the Atlas and lanterns from Marrakesh, chosen where they are made.', heroLink: 'Create an account',
  hello: name => `Hello ${name}`, chosen: 'Chosen for you',
  bowl: 'Bowl from Fez', rug: 'Atlas rug', lamp: 'Engraved lantern', tray: 'Tray from Tetouan', price: n => `${n.toLocaleString('en-GB')} DH`,
  loginTitle: 'Good to see you again', loginText: 'Log in to follow your orders.', name: 'Username or e-mail', password: 'Password', forgotten: 'Forgotten your password?', noAccount: 'No account yet?',
  registerTitle: 'Welcome', registerText: 'One account, and your orders follow you.', username: 'Username', usernameHint: 'Letters, digits and @ . + - _', firstName: 'First name', lastName: 'Last name', email: 'E-mail', passwordHint: '8 characters or more; a short sentence is good.', haveAccount: 'Already have an account?', optional: 'optional',
  show: 'Show', hide: 'Hide', showPassword: 'Show the password', hidePassword: 'Hide the password',
  profile: 'Profile', devices: 'Devices', passwordTab: 'Password', save: 'Save', saved: 'Saved.',
  profileText: 'What we know of you, and no more.', verified: 'Verified address', notVerified: 'Address to verify', resend: 'Send the verification again', resent: 'The e-mail is on its way. Check the spam folder, too.', noEmail: 'No address',
  since: 'Customer since', download: 'Download my data', yours: 'Your data',
  devicesText: 'Where your account is open now. Is there one that you do not know? Log it out, then change your password.', thisDevice: 'This device', lastUsed: 'Seen', end: 'Log out', endOf: d => `Log out ${d}`, endAll: 'Log out everywhere', unknownDevice: 'Unknown device', ended: 'The device is logged out.',
  passwordTitle: 'Change your password', passwordText: 'Your other devices will be logged out.', current: 'Current password', next: 'New password', change: 'Change', changed: 'Your password has changed.',
  forgotTitle: 'Forgotten password', forgotText: 'Tell us your e-mail: we send a link there.', sendLink: 'Send the link', sentTitle: 'Check your mail', sentText: a => `If an account uses ${a}, a link is on its way. It is good for an hour. Check the spam folder, too.`, otherAddress: 'Another address', backToLogin: 'Back to the login',
  resetTitle: 'New password', resetText: 'Choose one that you use nowhere else.', choose: 'Choose this password', resetDone: 'Your password has changed. You can log in.', newLink: 'Ask for another link',
  verifyTitle: 'Verify your address', verifyText: 'One step, and we know that this address is yours.', verify: 'Verify my address', verifyDone: 'Thank you, your address is verified.', toShop: 'To the shop',
  confirmTitle: 'Your new address', confirmText: 'Do you want to use this address?', confirm: 'Use this address', confirmDone: 'Done: your address has changed.',
  undoTitle: 'Was it not you?', undoText: 'We bring the previous address back and end all sessions.', undo: 'Bring my address back', undoDone: 'Your address is back. A link to choose a password is on its way to it.',
  noToken: 'This link is not complete. Open it from the mail.',
  notFound: 'This page does not exist', notFoundText: 'Perhaps the link is old.',
  noMethod: 'This page can ask for none of your ways to log in. Try another browser.', code: 'Six-digit code', appHint: 'In your authenticator app.', mailHint: 'It is on its way, and good for ten minutes.', mailText: 'We send a code to your e-mail address.', sendCode: 'Send the code',
  byPasskey: 'Use a passkey', byApp: 'Use the app', byRecoveryCode: 'Use a recovery code', byPassword: 'Use the password', byMail: 'Get a code by mail', usePasskey: 'Continue with the passkey', passkeyHint: 'Your device asks for your fingerprint, your face or its PIN.', loginByPasskey: 'Log in with a passkey',
  recoveryCode: 'Recovery code', recoveryHint: 'One of the ten that you kept; it works once.', trust: 'Trust this device', trustHint: 'For 30 days the password is enough here. Not on a computer that others use.',
  secondTitle: 'One more step', secondText: 'The password is right. Now show that it is you.', proofTitle: 'Confirm that it is you', proofText: 'It protects your account if somebody else uses this device.', proofButton: 'Confirm', cancel: 'Cancel',
  security: 'Two-step login', securityTab: 'Security', securityText: 'A password can be guessed or stolen. With a second step it is not enough.', twoSteps: 'Second step', on: 'On', off: 'Off', twoStepsNone: 'An app on your phone gives a code for each login. It costs nothing and works offline.',
  app: 'Authenticator app', passkey: 'Passkey', added: 'Since', addApp: 'Add an app', addPasskey: 'Add a passkey', factorAdded: 'Done: the second step is on.', factorRemoved: 'Removed.', remove: 'Remove', removeOf: f => `Remove ${f}`, removeText: 'The next login will not ask for it.', removeLast: 'It is the last one: the password will be enough again, and the recovery codes will no longer work.', keep: 'Keep',
  scanText: 'Open an app such as Aegis, Google Authenticator or 2FAS, and scan this code.', qr: 'QR code for the authenticator app', openApp: 'Open in my app', secretText: 'Or type this key into the app:', copySecret: 'Copy the key', confirmApp: 'Turn on', firstCodeHint: 'The one that the app shows now.', factorName: 'Name', factorNameHint: 'To recognise it by: “My Pixel”, for example.',
  recoveryCodes: 'Recovery codes', codesText: 'Each opens your account once, if your phone is gone. We will not show them again: keep them now.', codesLeft: n => `Left: ${n}`, newCodes: 'New codes', copyCodes: 'Copy', print: 'Print', copied: 'Copied.', notCopied: 'The browser does not allow it.', codesKept: 'I have kept them in a safe place', codesKeep: 'Keep them first: without them a lost phone locks your account.', finish: 'Finish',
  otherSessions: n => `Other logins from before this change: ${n}.`, seeDevices: 'See them', trustedDevices: 'Trusted devices', trustedText: 'They ask for the password alone.', until: 'Until', distrust: 'Stop trusting', distrustOf: d => `Stop trusting ${d}`, trustEnded: 'That device will ask for the second step again.',
  recoveryTitle: 'A recovery of this account is under way', recoveryText: (a, d) => `From ${d} on the mailbox ${a} can open it without the second step. If this is not you, stop it.`, recoveryStop: 'Stop it', recoveryStopped: 'The recovery is stopped.',
  network: 'No connection. Check your network and try again.', wait: n => `Too many tries. Try again in ${n} s.`, trouble: id => `Something went wrong on our side.${id && ` Reference: ${id}`}`, unknownOutcome: 'The answer was lost: it may be done. Look before you do it again.',
  loggedOutEnded: 'Your session is over. Please log in again.', loggedOutByYou: 'You are logged out.', busy: 'One moment…', footer: 'Example shop of Yoozak Clients',
}

export const languages = { fr: 'Français', ar: 'العربية', en: 'English' }
export type Language = keyof typeof languages
const texts = { fr, ar, en }

const isLanguage = (l: string | null): l is Language => !!l && l in texts
const changed = new Set<() => void>()
let current: Language = 'fr'

/** Sets the language of the page, from where it is read by everything, the client included. */
export function speak(language: Language) {
  current = language
  document.documentElement.lang = language
  document.documentElement.dir = language === 'ar' ? 'rtl' : 'ltr'
  try {
    localStorage.setItem('language', language)
  } catch { /* it lasts as long as the page */ }
  changed.forEach(f => f())
}

const asked = [new URLSearchParams(location.search).get('lang'), read(), navigator.language.slice(0, 2)].find(isLanguage)
speak(asked ?? 'fr')

function read() {
  try {
    return localStorage.getItem('language')
  } catch {
    return null
  }
}

export function useText() {
  const language = useSyncExternalStore(f => (changed.add(f), () => changed.delete(f)), () => current)
  return { t: texts[language], language, date: (iso: string) => new Intl.DateTimeFormat(language === 'ar' ? 'ar-MA-u-nu-latn' : language, { dateStyle: 'long' }).format(new Date(iso)) }
}
