package payload

// The labels under which Python 3.11 knows encodings, in their normal form.

// knownLabels are those of the encodings that this package decodes.
var knownLabels = map[string]string{
	"utf-8":      "cp65001 u8 utf utf8 utf8_ucs2 utf8_ucs4 utf_8",
	"utf-8-sig":  "utf_8_sig",
	"ascii":      "646 ansi_x3.4_1968 ansi_x3.4_1986 ansi_x3_4_1968 ascii cp367 csascii ibm367 iso646_us iso_646.irv_1991 iso_ir_6 us us_ascii",
	"iso8859-1":  "8859 cp819 csisolatin1 ibm819 iso8859 iso8859_1 iso_8859_1 iso_8859_1_1987 iso_ir_100 l1 latin latin1 latin_1",
	"cp1252":     "1252 cp1252 windows_1252",
	"cp1256":     "1256 cp1256 windows_1256",
	"iso8859-6":  "arabic asmo_708 csisolatinarabic ecma_114 iso8859_6 iso_8859_6 iso_8859_6_1987 iso_ir_127",
	"iso8859-15": "iso8859_15 iso_8859_15 l9 latin9",
	"utf-16":     "u16 utf16 utf_16",
	"utf-16-le":  "unicodelittleunmarked utf_16_le utf_16le",
	"utf-16-be":  "unicodebigunmarked utf_16_be utf_16be",
}

// supersetLabels are those of encodings whose bytes below 0x80 are ASCII.
const supersetLabels = "1125 1250 1251 1253 1254 1255 1257 1258 437 775 850 852 855 857 858 860 861 862 863 865 866 869 " +
	"932 936 949 950 big5 big5_hkscs big5_tw big5hkscs charmap chinese cp1006 cp1051 cp1125 cp1250 " +
	"cp1251 cp1253 cp1254 cp1255 cp1257 cp1258 cp1361 cp154 cp437 cp720 cp737 cp775 cp850 cp852 cp855 " +
	"cp856 cp857 cp858 cp860 cp861 cp862 cp863 cp865 cp866 cp866u cp869 cp874 cp932 cp936 cp949 cp950 " +
	"cp_gr cp_is csbig5 csibm855 csibm857 csibm858 csibm860 csibm861 csibm863 csibm865 csibm866 " +
	"csibm869 csiso58gb231280 csisolatin2 csisolatin3 csisolatin4 csisolatin5 csisolatin6 " +
	"csisolatincyrillic csisolatingreek csisolatinhebrew cskoi8r cspc775baltic cspc850multilingual " +
	"cspc862latinhebrew cspc8codepage437 cspcp852 csptcp154 csshiftjis cyrillic cyrillic_asian " +
	"ecma_118 elot_928 euc_cn euc_jis2004 euc_jis_2004 euc_jisx0213 euc_jp euc_kr euccn eucgb2312_cn " +
	"eucjis2004 eucjisx0213 eucjp euckr gb18030 gb18030_2000 gb2312 gb2312_1980 gb2312_80 gbk greek " +
	"greek8 hebrew hkscs hp_roman8 ibm1051 ibm1125 ibm437 ibm775 ibm850 ibm852 ibm855 ibm857 ibm858 " +
	"ibm860 ibm861 ibm862 ibm863 ibm865 ibm866 ibm869 idna iso8859_10 iso8859_11 iso8859_13 " +
	"iso8859_14 iso8859_16 iso8859_2 iso8859_3 iso8859_4 iso8859_5 iso8859_7 iso8859_8 iso8859_9 " +
	"iso_8859_10 iso_8859_10_1992 iso_8859_11 iso_8859_11_2001 iso_8859_13 iso_8859_14 " +
	"iso_8859_14_1998 iso_8859_16 iso_8859_16_2001 iso_8859_2 iso_8859_2_1987 iso_8859_3 " +
	"iso_8859_3_1988 iso_8859_4 iso_8859_4_1988 iso_8859_5 iso_8859_5_1988 iso_8859_7 iso_8859_7_1987 " +
	"iso_8859_8 iso_8859_8_1988 iso_8859_9 iso_8859_9_1989 iso_celtic iso_ir_101 iso_ir_109 " +
	"iso_ir_110 iso_ir_126 iso_ir_138 iso_ir_144 iso_ir_148 iso_ir_157 iso_ir_166 iso_ir_199 " +
	"iso_ir_226 iso_ir_58 jisx0213 johab koi8_r koi8_t koi8_u korean ks_c_5601 ks_c_5601_1987 " +
	"ks_x_1001 ksc5601 ksx1001 kz1048 kz_1048 l10 l2 l3 l4 l5 l6 l7 l8 latin10 latin2 latin3 latin4 " +
	"latin5 latin6 latin7 latin8 mac_arabic mac_centeuro mac_croatian mac_cyrillic mac_farsi " +
	"mac_greek mac_iceland mac_latin2 mac_roman mac_romanian mac_turkish maccentraleurope maccyrillic " +
	"macgreek maciceland macintosh maclatin2 macroman macturkish ms1361 ms932 ms936 ms949 ms950 " +
	"ms_kanji mskanji palmos pt154 ptcp154 r8 rk1048 roman8 ruscii s_jis shift_jis shiftjis sjis " +
	"strk1048_2002 thai tis620 tis_620 tis_620_0 tis_620_2529_0 tis_620_2529_1 u_jis uhc ujis " +
	"windows_1250 windows_1251 windows_1253 windows_1254 windows_1255 windows_1257 windows_1258 " +
	"x_mac_japanese x_mac_korean x_mac_simp_chinese x_mac_trad_chinese "

// foreignLabels are the others.
const foreignLabels = "037 1026 1140 273 424 500 864 base64 base64_codec base_64 bz2 bz2_codec cp037 cp1026 cp1140 " +
	"cp273 cp424 cp500 cp864 cp875 csibm037 csibm1026 csibm273 csibm424 csibm500 csibm864 csiso2022jp " +
	"csiso2022kr ebcdic_cp_be ebcdic_cp_ca ebcdic_cp_ch ebcdic_cp_he ebcdic_cp_nl ebcdic_cp_us " +
	"ebcdic_cp_wt hex hex_codec hz hz_gb hz_gb_2312 hzgb ibm037 ibm039 ibm1026 ibm1140 ibm273 ibm424 " +
	"ibm500 ibm864 iso2022_jp iso2022_jp_1 iso2022_jp_2 iso2022_jp_2004 iso2022_jp_3 iso2022_jp_ext " +
	"iso2022_kr iso2022jp iso2022jp_1 iso2022jp_2 iso2022jp_2004 iso2022jp_3 iso2022jp_ext iso2022kr " +
	"iso_2022_jp iso_2022_jp_1 iso_2022_jp_2 iso_2022_jp_2004 iso_2022_jp_3 iso_2022_jp_ext " +
	"iso_2022_kr punycode quopri quopri_codec quoted_printable quotedprintable raw_unicode_escape " +
	"rot13 rot_13 s_jis_2004 s_jisx0213 shift_jis_2004 shift_jisx0213 shiftjis2004 shiftjisx0213 " +
	"sjis_2004 sjisx0213 u32 u7 undefined unicode_1_1_utf_7 unicode_escape utf32 utf7 utf_32 " +
	"utf_32_be utf_32_le utf_32be utf_32le utf_7 uu uu_codec zip zlib zlib_codec "

// The upper halves of four encodings, 0x80 to 0xFF.
const (
	cp1252 = "\u20ac\ufffd\u201aƒ\u201e\u2026\u2020\u2021\u02c6\u2030Š\u2039Œ\ufffdŽ\ufffd" +
		"\ufffd\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122š\u203aœ\ufffdžŸ" +
		"\u00a0\u00a1\u00a2\u00a3\u00a4\u00a5\u00a6\u00a7\u00a8\u00a9ª\u00ab\u00ac\u00ad\u00ae\u00af" +
		"\u00b0\u00b1²³\u00b4µ\u00b6\u00b7\u00b8¹º\u00bb¼½¾\u00bf" +
		"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ" +
		"ÐÑÒÓÔÕÖ\u00d7ØÙÚÛÜÝÞß" +
		"àáâãäåæçèéêëìíîï" +
		"ðñòóôõö\u00f7øùúûüýþÿ"
	cp1256 = "\u20ac\u067e\u201aƒ\u201e\u2026\u2020\u2021\u02c6\u2030\u0679\u2039Œ\u0686\u0698\u0688" +
		"\u06af\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u06a9\u2122\u0691\u203aœ\u200c\u200d\u06ba" +
		"\u00a0\u060c\u00a2\u00a3\u00a4\u00a5\u00a6\u00a7\u00a8\u00a9\u06be\u00ab\u00ac\u00ad\u00ae\u00af" +
		"\u00b0\u00b1²³\u00b4µ\u00b6\u00b7\u00b8¹\u061b\u00bb¼½¾\u061f" +
		"\u06c1\u0621\u0622\u0623\u0624\u0625\u0626\u0627\u0628\u0629\u062a\u062b\u062c\u062d\u062e\u062f" +
		"\u0630\u0631\u0632\u0633\u0634\u0635\u0636\u00d7\u0637\u0638\u0639\u063a\u0640\u0641\u0642\u0643" +
		"à\u0644â\u0645\u0646\u0647\u0648çèéêë\u0649\u064aîï" +
		"\u064b\u064c\u064d\u064eô\u064f\u0650\u00f7\u0651ù\u0652ûü\u200e\u200f\u06d2"
	iso8859x6 = "\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f" +
		"\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f" +
		"\u00a0\ufffd\ufffd\ufffd\u00a4\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\u060c\u00ad\ufffd\ufffd" +
		"\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\u061b\ufffd\ufffd\ufffd\u061f" +
		"\ufffd\u0621\u0622\u0623\u0624\u0625\u0626\u0627\u0628\u0629\u062a\u062b\u062c\u062d\u062e\u062f" +
		"\u0630\u0631\u0632\u0633\u0634\u0635\u0636\u0637\u0638\u0639\u063a\ufffd\ufffd\ufffd\ufffd\ufffd" +
		"\u0640\u0641\u0642\u0643\u0644\u0645\u0646\u0647\u0648\u0649\u064a\u064b\u064c\u064d\u064e\u064f" +
		"\u0650\u0651\u0652\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd"
	iso8859x15 = "\u0080\u0081\u0082\u0083\u0084\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c\u008d\u008e\u008f" +
		"\u0090\u0091\u0092\u0093\u0094\u0095\u0096\u0097\u0098\u0099\u009a\u009b\u009c\u009d\u009e\u009f" +
		"\u00a0\u00a1\u00a2\u00a3\u20ac\u00a5Š\u00a7š\u00a9ª\u00ab\u00ac\u00ad\u00ae\u00af" +
		"\u00b0\u00b1²³Žµ\u00b6\u00b7ž¹º\u00bbŒœŸ\u00bf" +
		"ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏ" +
		"ÐÑÒÓÔÕÖ\u00d7ØÙÚÛÜÝÞß" +
		"àáâãäåæçèéêëìíîï" +
		"ðñòóôõö\u00f7øùúûüýþÿ"
)
