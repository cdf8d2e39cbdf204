package bot

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/topicdesk/topicdesk/messages"
)

func TestDecodeMedia(t *testing.T) {
	type media = messages.Media
	for fields, want := range map[string]*media{
		`"text":"x"`: nil,
		`"photo":[{"file_id":"s","width":90,"height":51},{"file_id":"l","file_unique_id":"u","width":1280,"height":720,"file_size":9},{"file_id":"m","width":320,"height":180}],"has_media_spoiler":true,"show_caption_above_media":true,"media_group_id":"77"`: {Kind: "photo",
			FileId: "l", FileUniqueId: "u", Width: 1280, Height: 720, FileSize: 9, HasSpoiler: true, ShowCaptionAboveMedia: true, MediaGroupId: "77"},
		`"photo":[]`: {Kind: "photo"},
		`"photo":17`: {Kind: "photo"},
		`"animation":{"file_id":"a","duration":3},"document":{"file_id":"d"}`: {Kind: "animation", FileId: "a", Duration: 3},
		`"document":{"file_id":"d","file_name":"a.pdf","mime_type":"application/pdf","file_size":3000000000,"thumbnail":{"file_id":"t"}},"media_group_id":"9"`: {Kind: "document",
			FileId: "d", FileName: "a.pdf", MimeType: "application/pdf", FileSize: 3000000000, ThumbnailFileId: "t", MediaGroupId: "9"},
		`"document":{"file_id":"d","file_size":"big","file_name":"a.pdf"}`:                              {Kind: "document", FileId: "d", FileName: "a.pdf"},
		`"audio":{"file_id":"a","title":"T","performer":"P","duration":5}`:                              {Kind: "audio", FileId: "a", Title: "T", Performer: "P", Duration: 5},
		`"voice":{"file_id":"v","duration":2,"mime_type":"audio/ogg"}`:                                  {Kind: "voice", FileId: "v", Duration: 2, MimeType: "audio/ogg"},
		`"video":{"file_id":"v","width":4,"height":3,"duration":2}`:                                     {Kind: "video", FileId: "v", Width: 4, Height: 3, Duration: 2},
		`"video_note":{"file_id":"n","length":240,"duration":2}`:                                        {Kind: "video_note", FileId: "n", Width: 240, Height: 240, Duration: 2},
		`"sticker":{"file_id":"s","emoji":"👍","set_name":"Hands","width":512,"height":512}`:             {Kind: "sticker", FileId: "s", Emoji: "👍", SetName: "Hands", Width: 512, Height: 512},
		`"live_photo":{"file_id":"l","duration":3,"photo":[{"file_id":"p"}]},"photo":[{"file_id":"p"}]`: {Kind: "live_photo", FileId: "l", Duration: 3, PhotoFileId: "p"},
		`"location":{"latitude":13.75,"longitude":100.5,"live_period":900,"heading":7,"horizontal_accuracy":4.5,"proximity_alert_radius":3}`: {Kind: "location", Location: &messages.Location{
			Latitude: 13.75, Longitude: 100.5, LivePeriod: 900, Heading: 7, HorizontalAccuracy: 4.5, ProximityAlertRadius: 3}},
		`"venue":{"location":{"latitude":1,"longitude":2},"title":"Shop","address":"Street 1","foursquare_id":"f","google_place_id":"g","google_place_type":"t"},"location":{"latitude":1,"longitude":2}`: {Kind: "venue",
			Location: &messages.Location{Latitude: 1, Longitude: 2}, Venue: &messages.Venue{Title: "Shop", Address: "Street 1", FoursquareId: "f", GooglePlaceId: "g", GooglePlaceType: "t"}},
		`"contact":{"phone_number":"+66","first_name":"Ann","last_name":"Lee","user_id":5,"vcard":"V"}`: {Kind: "contact",
			Contact: &messages.Contact{PhoneNumber: "+66", FirstName: "Ann", LastName: "Lee", UserId: 5, Vcard: "V"}},
		`"dice":{"emoji":"🎲","value":4}`: {Kind: "dice", Emoji: "🎲", Value: 4},
		`"poll":{"id":"1","question":"Why?","question_entities":[{"type":"custom_emoji","offset":0,"length":1,"custom_emoji_id":"9"}],"options":[{"text":"A","text_entities":[]},{"text":"B"}],"type":"quiz","is_anonymous":true,"allows_multiple_answers":true,"is_closed":true}`: {Kind: "poll",
			Poll: &messages.Poll{Question: "Why?", QuestionEntities: []*messages.Entity{{Type: "custom_emoji", Length: 1, CustomEmojiId: "9"}},
				Options: []*messages.PollOption{{Text: "A"}, {Text: "B"}}, IsQuiz: true, IsAnonymous: true, AllowsMultipleAnswers: true, IsClosed: true}},
		`"story":{"chat":{"id":-5,"type":"channel","title":"News"},"id":3}`:                                   {Kind: "story", Source: "News"},
		`"story":{"chat":{"id":5,"type":"private","first_name":"Ann"},"id":3}`:                                {Kind: "story", Source: "Ann"},
		`"paid_media":{"star_count":5,"paid_media":[]}`:                                                       {Kind: "paid_media", Value: 5},
		`"game":{"title":"Chess","description":"Play"}`:                                                       {Kind: "game", Title: "Chess", Details: "Play"},
		`"invoice":{"title":"Shoes","currency":"EUR","total_amount":1250}`:                                    {Kind: "invoice", Title: "Shoes", Details: "12.50 EUR"},
		`"invoice":{"title":"Shoes","currency":"XTR","total_amount":7}`:                                       {Kind: "invoice", Title: "Shoes", Details: "7 XTR"},
		`"checklist":{"title":"To do","tasks":[{"id":1,"text":"a","completion_date":9},{"id":2,"text":"b"}]}`: {Kind: "checklist", Title: "To do", Checklist: &messages.Checklist{Title: "To do", Tasks: []*messages.ChecklistTask{{Text: "a", Done: true}, {Text: "b"}}}, Details: "☑ a\n☐ b"},
		`"checklist":{"title":"To do","title_entities":[{"type":"spoiler","offset":3,"length":2}],"tasks":[{"id":1,"text":"see me","text_entities":[{"type":"spoiler","offset":4,"length":2}]}]}`: {Kind: "checklist", Title: "To ▒▒▒▒", Details: "☐ see ▒▒▒▒", Checklist: &messages.Checklist{
			Title: "To do", TitleEntities: []*messages.Entity{{Type: "spoiler", Offset: 3, Length: 2}}, Tasks: []*messages.ChecklistTask{{Text: "see me", Entities: []*messages.Entity{{Type: "spoiler", Offset: 4, Length: 2}}}}}},
		`"poll":{"id":"1","question":"Tea?","description":"at 4","description_entities":[{"type":"text_link","offset":3,"length":1,"url":"https://example.com"}],"media":{"photo":[]},"options":[{"text":"A"}]}`: {Kind: "poll", Poll: &messages.Poll{
			Question: "Tea?", Description: "at 4", DescriptionEntities: []*messages.Entity{{Type: "text_link", Offset: 3, Length: 1, Url: "https://example.com"}}, MediaKind: "photo", Options: []*messages.PollOption{{Text: "A"}}}},
		`"giveaway":{"chats":[{"id":-5,"title":"News"}],"winner_count":3,"prize_description":"A car"}`: {Kind: "giveaway", Title: "A car", Value: 3, Source: "News"},
		`"giveaway_winners":{"chat":{"id":-5,"title":"News"},"winner_count":3,"winners":[]}`:           {Kind: "giveaway_winners", Value: 3, Source: "News"},
		`"rich_message":{"blocks":[]}`:                {Kind: "rich_message"},
		`"gift":{"gift":{"id":"1"},"text":"for you"}`: {Kind: "gift", Details: "for you"},
		`"unique_gift":{"gift":{"name":"Hat-1"}}`:     {Kind: "unique_gift", Title: "Hat-1"},
	} {
		t.Run(fields, func(t *testing.T) {
			if diff := cmp.Diff(want, mustDecode(t, topicMessage(fields)).Message.Media, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEveryKindOfMediaIsDecoded(t *testing.T) {
	for _, kind := range messages.MediaKinds {
		if got := mustDecode(t, topicMessage(`"`+kind+`":{}`)).Message.Media.GetKind(); got != kind {
			t.Errorf("%s is decoded as %q", kind, got)
		}
	}
}

func TestDecodeForwards(t *testing.T) {
	for origin, want := range map[string]*messages.Forward{
		`{"type":"user","date":5,"sender_user":{"id":7,"first_name":"Ann","last_name":"Lee","username":"ann"}}`:          {Kind: "user", Id: 7, Name: "Ann Lee", Username: "ann", DateMs: 5000},
		`{"type":"hidden_user","date":5,"sender_user_name":"Somebody"}`:                                                  {Kind: "hidden_user", Name: "Somebody", DateMs: 5000},
		`{"type":"chat","date":5,"sender_chat":{"id":-7,"type":"supergroup","title":"Sales"},"author_signature":"Boss"}`: {Kind: "chat", Id: -7, Name: "Sales", Signature: "Boss", DateMs: 5000},
		`{"type":"channel","date":5,"chat":{"id":-7,"type":"channel","title":"News","username":"news"},"message_id":3,"author_signature":"Ed"}`: {Kind: "channel", Id: -7,
			Name: "News", Username: "news", MessageId: 3, Signature: "Ed", DateMs: 5000},
		`{"type":"from_the_future"}`: {Kind: "from_the_future"},
		`null`:                       nil,
	} {
		t.Run(origin, func(t *testing.T) {
			m := mustDecode(t, topicMessage(`"text":"x","has_protected_content":true,"forward_origin":`+origin)).Message
			if diff := cmp.Diff(want, m.Forward, protocmp.Transform()); diff != "" {
				t.Error(diff)
			}
			if !m.Protected {
				t.Error("not protected")
			}
		})
	}
}

func TestMediaWords(t *testing.T) {
	for _, lang := range languages {
		for _, kind := range append(messages.MediaKinds, "unheard_of") {
			if n := messages.UTF16Len(mediaLabel(lang, kind)); n > maxMediaLabel || n < 3 {
				t.Errorf("%s %s: %d units", lang, kind, n)
			}
		}
	}
	if w := mediaLabel(langThai, messages.MediaPhoto); w != "[รูปภาพ]" {
		t.Error(w)
	}
}
