//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/yoozak/clients/internal/account"
)

// people makes clients as a shop of Morocco has them: some names are everybody's, most are rare, two in five are in
// Arabic, usernames are names with a number, telephone numbers, or nothing that means anything.
type people struct {
	random *rand.Rand
	begin  time.Time
	hash   string
}

func newPeople(hash string) *people {
	return &people{random: rand.New(rand.NewPCG(1, 2)), begin: time.Date(2018, 1, 1, 8, 0, 0, 0, time.UTC), hash: hash}
}

var (
	firstLatin = strings.Fields(`Mohamed Fatima Youssef Amina Khadija Hassan Omar Salma Rachid Imane Mehdi Zineb Hamza Sara Karim Nadia Anas Meryem
		Driss Hind Badr Ghita Ilyas Chaïmae Said Loubna Adil Siham Reda Kenza Nabil Asmae Tarik Dounia Amine Wafae Jamal Samira Othmane Hanane
		Aziz Bouchra Marouane Ikram Khalid Naima Soufiane Rajae Abdellah Houda Simo Yasmine Bilal Oumaima Taha Rim Ayoub Nour Zakaria Ines M’hamed Lætitia`)
	firstArabic = strings.Fields(`محمد فاطمة يوسف أمينة خديجة حسن عمر سلمى رشيد إيمان مهدي زينب حمزة سارة كريم نادية أنس مريم إدريس هند بدر غيثة إلياس
		شيماء سعيد لبنى عادل سهام رضا كنزة نبيل أسماء طارق دنيا أمين وفاء جمال سميرة عثمان حنان مي`)
	lastLatin = strings.Fields(`Alaoui Bennani Tazi Idrissi Berrada Amrani Benjelloun Fassi Ouazzani Chraibi Lahlou Naciri Filali Cherkaoui Mansouri Sabri
		Belhaj Kabbaj Ziani Rami Bouazza Haddad Saidi Tahiri Slaoui Kettani Benkirane Guessous Sefrioui Zouiten Laraki Bennis`)
	lastArabic = strings.Fields(`العلوي بناني التازي الإدريسي برادة العمراني بنجلون الفاسي الوزاني الشرايبي لحلو الناصري الفيلالي الشرقاوي المنصوري الصبري`)
	syllables  = strings.Fields(`ab ou ha za ri ma na ki lo be cha da el fa gha ho ja ka la me no ra sa ta wa ya zi dri bou sli mou rga tte nna ssi lli kra hbi`)
	mailHosts  = []string{"gmail.com", "gmail.com", "gmail.com", "hotmail.com", "menara.ma", "outlook.fr", "example.ma"}
)

// often picks a name: the first of the list far more often than the last.
func (p *people) often(list []string) string {
	at := p.random.Float64()
	return list[int(at*at*at*float64(len(list)))]
}

func (p *people) rare() string {
	var b strings.Builder
	for range 2 + p.random.IntN(3) {
		b.WriteString(syllables[p.random.IntN(len(syllables))])
	}
	name := b.String()
	return strings.ToUpper(name[:1]) + name[1:]
}

func (p *people) next(id int64) account.User {
	joined := p.begin.Add(time.Duration(id)*250*time.Second + time.Duration(p.random.IntN(1e9))*time.Microsecond)
	u := account.User{
		ID: id, FirstName: p.often(firstLatin), LastName: p.often(lastLatin), PasswordHash: p.hash, Active: p.random.IntN(50) > 0,
		Language: "fr", JoinedAt: joined, PasswordAt: joined,
	}
	if p.random.IntN(2) == 0 {
		u.LastName = p.rare()
	}
	local := strings.ToLower(fmt.Sprintf("%s.%s%d", p.often(firstLatin[:40]), u.LastName, p.random.IntN(1000)))
	if p.random.IntN(3) == 0 {
		local = fmt.Sprintf("%s%x", p.often(syllables), p.random.Uint32())
	}
	u.Email = local + "@" + mailHosts[p.random.IntN(len(mailHosts))]
	switch p.random.IntN(4) {
	case 0:
		u.Username = fmt.Sprintf("%s%d", local, id)
	case 1:
		u.Username = fmt.Sprintf("06%08d", (id*2654435761)%100_000_000)
	default:
		u.Username = fmt.Sprintf("%s_%x", p.often(syllables), uint64(id)*0x9e3779b97f4a7c15>>20)
	}
	if p.random.IntN(5) < 2 {
		u.FirstName, u.Language = p.often(firstArabic), "ar"
		if p.random.IntN(2) == 0 {
			u.LastName = p.often(lastArabic)
		}
	} else if p.random.IntN(30) == 0 {
		u.Language = "en"
	}
	if p.random.IntN(10) < 7 {
		u.LastLoginAt = joined.Add(time.Duration(p.random.IntN(20_000)) * time.Hour)
	}
	if p.random.IntN(10) < 6 {
		u.EmailVerifiedAt = joined.Add(time.Hour)
	}
	if p.random.IntN(20) == 0 {
		u.Email = ""
		u.EmailVerifiedAt = time.Time{}
	}
	return u
}
