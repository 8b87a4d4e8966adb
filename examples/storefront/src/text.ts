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
  devicesText: 'Là où votre compte est ouvert en ce moment. Vous ne reconnaissez pas un appareil ? Déconnectez-le, puis changez de mot de passe.', thisDevice: 'Cet appareil', lastUsed: 'Vu', end: 'Déconnecter', endOf: (d: string) => `Déconnecter ${d}`, endAll: 'Déconnecter tous les appareils', unknownDevice: 'Appareil inconnu', ended: 'L’appareil est déconnecté.',
  passwordTitle: 'Changer de mot de passe', passwordText: 'Vos autres appareils seront déconnectés.', current: 'Mot de passe actuel', next: 'Nouveau mot de passe', change: 'Changer', changed: 'Votre mot de passe a changé.',
  forgotTitle: 'Mot de passe oublié', forgotText: 'Indiquez votre e-mail : nous y envoyons un lien.', sendLink: 'Envoyer le lien', sentTitle: 'Regardez vos e-mails', sentText: (a: string) => `Si un compte utilise ${a}, un lien vient d’y partir. Il vaut une heure. Pensez aux indésirables.`, otherAddress: 'Une autre adresse', backToLogin: 'Retour à la connexion',
  resetTitle: 'Nouveau mot de passe', resetText: 'Choisissez-en un que vous n’utilisez nulle part ailleurs.', choose: 'Choisir ce mot de passe', resetDone: 'Votre mot de passe a changé. Vous pouvez vous connecter.', newLink: 'Demander un autre lien',
  verifyTitle: 'Vérifier votre adresse', verifyText: 'Un geste, et votre adresse est à vous seul.', verify: 'Vérifier mon adresse', verifyDone: 'Merci, votre adresse est vérifiée.', toShop: 'Vers la boutique',
  confirmTitle: 'Votre nouvelle adresse', confirmText: 'Voulez-vous utiliser cette adresse ?', confirm: 'Utiliser cette adresse', confirmDone: 'C’est fait : votre adresse a changé.',
  undoTitle: 'Ce n’était pas vous ?', undoText: 'Nous rétablissons l’adresse d’avant et fermons toutes les sessions.', undo: 'Rétablir mon adresse', undoDone: 'Votre adresse est rétablie. Un lien pour choisir un mot de passe vient d’y partir.',
  noToken: 'Ce lien est incomplet. Ouvrez-le depuis l’e-mail.',
  notFound: 'Cette page n’existe pas', notFoundText: 'Le lien est peut-être ancien.',
  network: 'Pas de connexion. Vérifiez votre réseau, puis réessayez.', wait: (n: number) => `Trop d’essais. Réessayez dans ${n} s.`, trouble: (id: string) => `Quelque chose n’a pas marché de notre côté.${id && ` Référence : ${id}`}`, unknownOutcome: 'La réponse s’est perdue : c’est peut-être fait. Vérifiez avant de recommencer.',
  loggedOutEnded: 'Votre session est terminée. Reconnectez-vous.', loggedOutByYou: 'Vous êtes déconnecté.', busy: 'Un instant…', footer: 'Boutique d’exemple de Yoozak Clients',
}

const ar: typeof fr = {
  shop: 'دار الزليج', skip: 'إلى المحتوى', language: 'اللغة', account: 'حسابي', home: 'الرئيسية', logIn: 'تسجيل الدخول', logOut: 'تسجيل الخروج', register: 'إنشاء حساب',
  heroTitle: 'يدٌ وطينٌ ووقت', heroText: 'فخار فاس وزرابي الأطلس وفوانيس مراكش، نختارها عند صانعيها.', heroLink: 'أنشئ حسابك',
  hello: name => `مرحبا ${name}`, chosen: 'اخترناها لك',
  bowl: 'زلافة فاسية', rug: 'زربية أطلسية', lamp: 'فانوس منقوش', tray: 'صينية تطوانية', price: n => `${n.toLocaleString('fr-FR')} درهم`,
  loginTitle: 'سعداء بعودتك', loginText: 'سجّل الدخول لتتابع طلباتك.', name: 'اسم المستخدم أو البريد الإلكتروني', password: 'كلمة السر', forgotten: 'نسيت كلمة السر؟', noAccount: 'ليس لديك حساب؟',
  registerTitle: 'أهلا وسهلا', registerText: 'حساب واحد، وطلباتك معك أينما كنت.', username: 'اسم المستخدم', usernameHint: 'حروف وأرقام و @ . + - _', firstName: 'الاسم الشخصي', lastName: 'الاسم العائلي', email: 'البريد الإلكتروني', passwordHint: '8 أحرف على الأقل؛ جملة قصيرة اختيار جيد.', haveAccount: 'لديك حساب؟', optional: 'اختياري',
  show: 'إظهار', hide: 'إخفاء', showPassword: 'إظهار كلمة السر', hidePassword: 'إخفاء كلمة السر',
  profile: 'معلوماتي', devices: 'الأجهزة', passwordTab: 'كلمة السر', save: 'حفظ', saved: 'تم الحفظ.',
  profileText: 'ما نعرفه عنك، لا أكثر.', verified: 'عنوان مؤكَّد', notVerified: 'عنوان غير مؤكَّد', resend: 'إعادة إرسال رسالة التأكيد', resent: 'أُرسلت الرسالة. انظر أيضا في الرسائل غير المرغوب فيها.', noEmail: 'لا عنوان',
  since: 'زبون منذ', download: 'تنزيل معطياتي', yours: 'معطياتك',
  devicesText: 'الأجهزة التي حسابك مفتوح عليها الآن. لا تعرف جهازا منها؟ أخرجه ثم غيّر كلمة السر.', thisDevice: 'هذا الجهاز', lastUsed: 'آخر استعمال', end: 'إخراج', endOf: d => `إخراج ${d}`, endAll: 'الخروج من كل الأجهزة', unknownDevice: 'جهاز غير معروف', ended: 'تم إخراج الجهاز.',
  passwordTitle: 'تغيير كلمة السر', passwordText: 'ستخرج أجهزتك الأخرى من الحساب.', current: 'كلمة السر الحالية', next: 'كلمة السر الجديدة', change: 'تغيير', changed: 'تغيّرت كلمة السر.',
  forgotTitle: 'نسيت كلمة السر', forgotText: 'اكتب بريدك الإلكتروني لنرسل إليه رابطا.', sendLink: 'إرسال الرابط', sentTitle: 'انظر في بريدك', sentText: a => `إذا كان هناك حساب بالعنوان \u2068${a}\u2069 فقد أرسلنا إليه رابطا صالحا لساعة. انظر أيضا في الرسائل غير المرغوب فيها.`, otherAddress: 'عنوان آخر', backToLogin: 'العودة إلى تسجيل الدخول',
  resetTitle: 'كلمة سر جديدة', resetText: 'اختر كلمة لا تستعملها في مكان آخر.', choose: 'اعتماد كلمة السر', resetDone: 'تغيّرت كلمة السر. يمكنك تسجيل الدخول.', newLink: 'طلب رابط آخر',
  verifyTitle: 'تأكيد عنوانك', verifyText: 'ضغطة واحدة ويصبح العنوان لك وحدك.', verify: 'تأكيد عنواني', verifyDone: 'شكرا، تم تأكيد عنوانك.', toShop: 'إلى المتجر',
  confirmTitle: 'عنوانك الجديد', confirmText: 'هل تريد استعمال هذا العنوان؟', confirm: 'استعمال هذا العنوان', confirmDone: 'تم تغيير عنوانك.',
  undoTitle: 'لم تكن أنت؟', undoText: 'نعيد العنوان السابق ونغلق كل الجلسات.', undo: 'إعادة عنواني', undoDone: 'عاد عنوانك، وأرسلنا إليه رابطا لاختيار كلمة السر.',
  noToken: 'الرابط ناقص. افتحه من الرسالة.',
  notFound: 'هذه الصفحة غير موجودة', notFoundText: 'ربما الرابط قديم.',
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
  profileText: 'What we know of you, and no more.', verified: 'Verified address', notVerified: 'Address to verify', resend: 'Send the verification again', resent: 'The mail is on its way. Look into spam, too.', noEmail: 'No address',
  since: 'Customer since', download: 'Download my data', yours: 'Your data',
  devicesText: 'Where your account is open now. You do not know one of them? Log it out, then change your password.', thisDevice: 'This device', lastUsed: 'Seen', end: 'Log out', endOf: d => `Log out ${d}`, endAll: 'Log out everywhere', unknownDevice: 'Unknown device', ended: 'The device is logged out.',
  passwordTitle: 'Change your password', passwordText: 'Your other devices will be logged out.', current: 'Current password', next: 'New password', change: 'Change', changed: 'Your password has changed.',
  forgotTitle: 'Forgotten password', forgotText: 'Tell us your e-mail: we send a link there.', sendLink: 'Send the link', sentTitle: 'Look into your mail', sentText: a => `If an account uses ${a}, a link is on its way. It is good for an hour. Look into spam, too.`, otherAddress: 'Another address', backToLogin: 'Back to the login',
  resetTitle: 'New password', resetText: 'Choose one that you use nowhere else.', choose: 'Choose this password', resetDone: 'Your password has changed. You can log in.', newLink: 'Ask for another link',
  verifyTitle: 'Verify your address', verifyText: 'One step, and the address is yours alone.', verify: 'Verify my address', verifyDone: 'Thank you, your address is verified.', toShop: 'To the shop',
  confirmTitle: 'Your new address', confirmText: 'Do you want to use this address?', confirm: 'Use this address', confirmDone: 'Done: your address has changed.',
  undoTitle: 'Was it not you?', undoText: 'We bring the address before back and end all sessions.', undo: 'Bring my address back', undoDone: 'Your address is back. A link to choose a password is on its way to it.',
  noToken: 'This link is not complete. Open it from the mail.',
  notFound: 'This page does not exist', notFoundText: 'Perhaps the link is old.',
  network: 'No connection. Check your network and try again.', wait: n => `Too many tries. Again in ${n} s.`, trouble: id => `Something went wrong on our side.${id && ` Reference: ${id}`}`, unknownOutcome: 'The answer was lost: it may be done. Look before you do it again.',
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
