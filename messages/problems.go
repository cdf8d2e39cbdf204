package messages

// Kinds of problems: what is wrong that people can mend. They never change.
const (
	ProblemGroupRights     = "group_rights"
	ProblemGroupLag        = "group_lag"
	ProblemWebhookFailing  = "webhook_failing"
	ProblemWebhookDisabled = "webhook_disabled"
	ProblemStorageFailing  = "storage_failing"
	ProblemStorageSlow     = "storage_slow"
	ProblemDiskLow         = "disk_low"
)

// ProblemKind declares a kind of problem. Title and Advice are for programs; people in Telegram read the texts of the catalogue
// "problem_<kind>" and "advice_<kind>", which say the same.
type ProblemKind struct {
	Kind   string
	Title  string // what is wrong
	Advice string // what to do
}

// Problems has a row for each kind of problem.
var Problems = []ProblemKind{
	{ProblemGroupRights, "The bot can't work in a group",
		"Make the bot an administrator of the group who may manage topics, and switch topics on. Messages for the group wait until then."},
	{ProblemGroupLag, "Messages reach a group late",
		"More is said than Telegram lets the bot post in one group. They arrive in order; if it stays so, spread tickets over more groups."},
	{ProblemWebhookFailing, "A webhook takes no events",
		"Ask whoever runs that system to look at it. Nothing is lost: events wait, and are tried again for 5 days."},
	{ProblemWebhookDisabled, "A webhook is disabled",
		"When that system works again, enable the webhook by the API. Nothing is lost: events wait, for as long as events are kept."},
	{ProblemStorageFailing, "The database can't be read or written",
		"Look at the database, its disk and the network to it. Nothing new is accepted meanwhile; Telegram keeps messages for a day."},
	{ProblemStorageSlow, "The database is slow",
		"Look at the disk of the database and at what else uses it. Until then messages arrive late."},
	{ProblemDiskLow, "A disk is nearly full",
		"Free space or enlarge the disk. Without space nothing can be written, and the service accepts no messages."},
}

// WebhookSealed is the last error of an endpoint whose secrets can't be opened, and the detail of the problem that it takes no events.
const WebhookSealed = "its secret or its headers were sealed with another SECRETS_KEY; " +
	"set the one of then, or rotate its secret and send its headers again"

// AdviceOf returns what to do about a problem, and under which key ("advice_<key>") catalogues say the same: of its kind, unless its
// detail says that something else helps.
func AdviceOf(kind, detail string) (key, advice string) {
	if kind == ProblemWebhookFailing && detail == WebhookSealed {
		return "webhook_sealed", "Start the service with the SECRETS_KEY, or the file secrets.key, that it had before: a backup has it. " +
			"If it is lost, rotate the secret of each endpoint, send its headers again, and give the new secret to the other system. " +
			"Nothing is lost: events wait."
	}
	return kind, ProblemKindOf(kind).Advice
}

// ProblemKindOf returns the row of a kind; the zero one for a kind that this version does not know.
func ProblemKindOf(kind string) ProblemKind {
	for _, k := range Problems {
		if k.Kind == kind {
			return k
		}
	}
	return ProblemKind{Kind: kind}
}
