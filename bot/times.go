package bot

import (
	"strconv"
	"strings"
	"time"

	"github.com/go-telegram/bot/models"
)

// Times in texts. Telegram shows each reader a time in their own zone and language, by an entity; below it is what those
// read whose app does not know such entities.

// dateTimeFormat has the day of the week, the date and the time (Bot API, date-time entity formatting).
const dateTimeFormat = "wDt"

var (
	thaiDays   = [7]string{"อาทิตย์", "จันทร์", "อังคาร", "พุธ", "พฤหัสบดี", "ศุกร์", "เสาร์"}
	thaiMonths = [12]string{"ม.ค.", "ก.พ.", "มี.ค.", "เม.ย.", "พ.ค.", "มิ.ย.", "ก.ค.", "ส.ค.", "ก.ย.", "ต.ค.", "พ.ย.", "ธ.ค."}
	// thaiHours turns what package hours writes into Thai.
	thaiHours = strings.NewReplacer("Sun", "อาทิตย์", "Mon", "จันทร์", "Tue", "อังคาร", "Wed", "พุธ", "Thu", "พฤหัส", "Fri", "ศุกร์", "Sat", "เสาร์",
		"closed", "ปิด")
)

// timeText is a time in a zone, which it names. An unknown zone is UTC.
func timeText(lang string, atMs int64, zone string) string {
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" {
		location = time.UTC
	}
	at := time.UnixMilli(atMs).In(location)
	if catalogueLang(lang) == langThai {
		return "วัน" + thaiDays[at.Weekday()] + "ที่ " + strconv.Itoa(at.Day()) + " " + thaiMonths[at.Month()-1] + " " +
			at.Format("15:04") + " น. (" + location.String() + ")"
	}
	return at.Format("Mon 2 Jan 15:04") + " (" + location.String() + ")"
}

// time adds the text of a time as an entity that shows it to each reader in their own way.
func (b *builder) time(text string, atMs int64) {
	from := b.units
	b.plain(text)
	if b.units > from {
		b.entities = append(b.entities, Entity{MessageEntity: models.MessageEntity{Type: entityDateTime, Offset: from, Length: b.units - from},
			UnixTime: atMs / 1000, DateTimeFormat: dateTimeFormat})
	}
}

// hoursText is what package hours writes in a language.
func hoursText(lang, text string) string {
	if catalogueLang(lang) == langThai {
		return thaiHours.Replace(text)
	}
	return text
}

// withinText is a working time of so many minutes.
func withinText(lang, minutes string) string {
	n, err := strconv.ParseInt(minutes, 10, 64)
	if err != nil {
		return minutes
	}
	hours, rest := n/60, n%60
	hour, minute, never, between := "h", "min", "never", " "
	if catalogueLang(lang) == langThai {
		hour, minute, never, between = "ชั่วโมง", "นาที", "ไม่กำหนด", " "
	}
	var parts []string
	if hours > 0 {
		parts = append(parts, strconv.FormatInt(hours, 10)+between+hour)
	}
	if rest > 0 {
		parts = append(parts, strconv.FormatInt(rest, 10)+between+minute)
	}
	if len(parts) == 0 {
		return never
	}
	return strings.Join(parts, " ")
}
