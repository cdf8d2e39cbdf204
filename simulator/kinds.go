package simulator

// mediaKind says what Telegram does with one kind of content beside text.
type mediaKind struct {
	file    bool // it is a file; if not, people post it as the Bot API's value of that field
	caption bool
	copies  bool // a bot may copy and forward it (Bot API, copyMessage); a quiz only with its answer
}

// mediaKinds are the kinds that people can post.
var mediaKinds = map[string]mediaKind{
	"animation":  {file: true, caption: true, copies: true},
	"audio":      {file: true, caption: true, copies: true},
	"document":   {file: true, caption: true, copies: true},
	"live_photo": {file: true, caption: true, copies: true},
	"photo":      {file: true, caption: true, copies: true},
	"sticker":    {file: true, copies: true},
	"video":      {file: true, caption: true, copies: true},
	"video_note": {file: true, copies: true},
	"voice":      {file: true, caption: true, copies: true},

	"checklist":        {},
	"contact":          {copies: true},
	"dice":             {copies: true},
	"game":             {},
	"gift":             {}, // a service message
	"giveaway":         {},
	"giveaway_winners": {},
	"invoice":          {},
	"location":         {copies: true},
	"paid_media":       {caption: true},
	"poll":             {copies: true},
	"rich_message":     {copies: true},
	"story":            {},
	"unique_gift":      {}, // a service message
	"venue":            {copies: true},
}

func captioned(kind string) bool { return mediaKinds[kind].caption }
