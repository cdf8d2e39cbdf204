// Package config reads the settings of the service from the environment and a .env file. It has their names,
// defaults, meanings and rules. It knows nothing of the parts that use them, and starts nothing.
package config

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"log/slog"
	"strconv"
	"strings"
)

// The values of settings that have only a few.
const (
	ModePolling     = "polling"
	ModeWebhook     = "webhook"
	FormatText      = "text"
	FormatJSON      = "json"
	DatabaseSQLite  = "sqlite"
	DatabaseMongoDB = "mongodb"
)

// Config holds every setting. Load fills it; a Config that Load returned without an error obeys all rules of
// check.go.
//
// The tags are the documentation: env is the name, envDefault the default and desc the meaning. Where there is no
// default, unset says what applies instead. oneof, min and max are checked for every field that has them, and allowed
// says in words what a value must be. `make gen` generates .env.example and the table of docs/settings.md from the
// tags.
type Config struct {
	TelegramBotToken Secret `env:"TELEGRAM_BOT_TOKEN" unset:"(none)" desc:"The bot's token from @BotFather. Without it the service starts its built-in Telegram simulator, for a trial on this machine. That is refused with MongoDB, or with an HTTP_ADDR that others can reach, so that no server runs on a simulator by mistake."`
	TelegramAPIURL   string `env:"TELEGRAM_API_URL" envDefault:"https://api.telegram.org" desc:"The Bot API server. Use http:// only for a server on this machine or on your own network."`
	TelegramMode     string `env:"TELEGRAM_MODE" envDefault:"polling" oneof:"polling|webhook" desc:"How updates arrive: polling (the service asks Telegram) or webhook (Telegram calls TELEGRAM_WEBHOOK_URL)."`

	TelegramWebhookURL    string `env:"TELEGRAM_WEBHOOK_URL" desc:"For webhook mode: the public URL of POST /telegram/webhook. The service registers it with Telegram at start."`
	TelegramWebhookSecret Secret `env:"TELEGRAM_WEBHOOK_SECRET" unset:"derived from the token" desc:"For webhook mode: the secret that Telegram sends with each update to prove who it is. 1 to 256 of A-Z a-z 0-9 _ -"`

	GroupsAllowed []int64 `env:"GROUPS_ALLOWED" unset:"(any)" allowed:"Telegram ids of groups with commas between them, such as -1001234567890,-1009876543210" desc:"Comma-separated Telegram ids of the groups that may register. Unset: any group may, with a warning at start."`

	TelegramGlobalPerSecond int `env:"TELEGRAM_GLOBAL_PER_SECOND" envDefault:"30" min:"0" max:"1000" desc:"The most calls to Telegram in any second, over all chats; 0: no limit."`
	TelegramChatPerSecond   int `env:"TELEGRAM_CHAT_PER_SECOND" envDefault:"1" min:"0" max:"100" desc:"The most calls per second to one chat, on average, with bursts of 5; 0: no limit."`
	TelegramGroupPerMinute  int `env:"TELEGRAM_GROUP_PER_MINUTE" envDefault:"20" min:"0" max:"6000" desc:"The most calls in any minute to one group; edits, new topics and each part of an album count. 0: no limit."`

	HTTPAddr    string `env:"HTTP_ADDR" envDefault:"127.0.0.1:8080" desc:"The address that serves the API, its documentation, the pages, the Telegram webhook, /healthz, /readyz and /metrics."`
	MetricsAddr string `env:"METRICS_ADDR" unset:"HTTP_ADDR" desc:"An address of its own for /metrics, such as 127.0.0.1:9090; HTTP_ADDR then does not serve it. It needs no key, so leave it within your own network."`

	SimulatorPort int `env:"SIMULATOR_PORT" unset:"the next free one after the port of HTTP_ADDR" min:"1" max:"65535" desc:"The port of the built-in simulator's page, on the host of HTTP_ADDR. Only without TELEGRAM_BOT_TOKEN."`

	APIAddressPerSecond int      `env:"API_ADDRESS_PER_SECOND" envDefault:"2000" min:"0" max:"1000000" desc:"The most API requests per second from one address to this node, counted before the key is checked, with bursts of twice as many; 0: no limit. Behind a proxy all requests come from the proxy's address."`
	APICORSOrigins      []string `env:"API_CORS_ORIGINS" unset:"(none)" allowed:"origins with commas between them, such as https://desk.example.org or https://*.example.org; a single * admits all" desc:"Comma-separated origins whose pages may call the API, such as https://desk.example.org or https://*.example.org. A single * admits all. Unset: none."`

	DatabaseURL Secret `env:"DATABASE_URL" unset:"SQLite, the file topicdesk.db in DATA_DIR" desc:"sqlite://path/to/file.db (sqlite:///path for a path from the root) or mongodb://host/topicdesk"`
	DataDir     string `env:"DATA_DIR" envDefault:"data" desc:"The folder for attachments and other files. Each desk needs its own."`

	FilesURL       string   `env:"FILES_URL" unset:"the folder files in DATA_DIR" desc:"Where attachments are kept: file:///folder (with ?shared=true behind it if it is one folder for all nodes of a cluster), or s3://bucket?region=… with a binary built with -tags s3 (keys come from AWS's own settings). It is one desk's: its file desk-id says whose."`
	FilesDownloads int      `env:"FILES_DOWNLOADS" envDefault:"4" min:"1" max:"64" desc:"How many attachments are downloaded concurrently."`
	FilesLimits    []string `env:"FILES_LIMITS" envDefault:"photo=10MB,other=50MB" allowed:"kind=size with commas between them and a unit (B, KB, MB, GB or TB), such as photo=10MB,video=200MB,other=50MB" desc:"The largest size, with its unit, for each kind (photo, document, video, animation, audio, voice, video_note, sticker, live_photo; other covers the rest). Larger files are not kept. Telegram's own server gives a bot files of at most 20 MB, a local Bot API server of 2000 MB."`
	FilesDeny      []string `env:"FILES_DENY" envDefault:"executables,scripts,html" allowed:"executables, scripts, html, types such as application/zip or video/*, extensions such as .bat, with commas between them" desc:"What is not kept. By content: executables, scripts, html, and types such as application/zip or video/*. By extension: such as .bat. A single - admits everything."`
	FilesAllow     []string `env:"FILES_ALLOW" unset:"(any)" allowed:"types such as application/pdf or image/*, with commas between them" desc:"If set, only these types are kept, for example image/*,application/pdf"`
	FilesMaxPixels int      `env:"FILES_MAX_PIXELS" envDefault:"50000000" min:"1" max:"1000000000" desc:"The most pixels that an image may have: a small file can decode to an image that fills the memory."`
	FilesRetention string   `env:"FILES_RETENTION" unset:"(forever)" desc:"How long attachments are kept, such as 90d. Those of closed tickets go first."`
	FilesMaxTotal  string   `env:"FILES_MAX_TOTAL" unset:"(no limit)" desc:"The most space that all attachments together may take, such as 20GB. Beyond it the oldest go, those of closed tickets first."`
	ClamAVAddr     string   `env:"CLAMAV_ADDR" desc:"A ClamAV daemon that scans each attachment before anyone gets it: host:port, or unix:/run/clamav/clamd.ctl"`

	EventsRetention string `env:"EVENTS_RETENTION" envDefault:"90d" desc:"How long events are kept for those who read the feed, such as 90d or 12h."`

	ReportsRetention string `env:"REPORTS_RETENTION" envDefault:"1095d" desc:"How long reports know of a ticket after the last that happened to it, and of what was done in an hour, such as 1095d."`

	PublicURL            string `env:"PUBLIC_URL" unset:"http:// and HTTP_ADDR" desc:"Where other systems reach this desk, such as https://desk.example.org. Events tell it."`
	WebhookAllowNetworks string `env:"WEBHOOK_ALLOW_NETWORKS" unset:"(none)" desc:"Networks of your own that webhooks may reach, by http too and at any port, with commas between them, such as 10.1.0.0/16,fd12::/48. Everything else that is not public is refused."`
	SecretsKey           Secret `env:"SECRETS_KEY" unset:"the file secrets.key in DATA_DIR, made at the first start" desc:"Encrypts the secrets of webhooks in the database: at least 32 characters. Keep it: without it no webhook can be signed."`

	ClusterProvider string   `env:"CLUSTER_PROVIDER" envDefault:"single" oneof:"single|etcd" desc:"single: this node is alone. etcd: several nodes share the desk; they need MongoDB, the same SECRETS_KEY, a FILES_URL that all reach, and an etcd server."`
	ClusterName     string   `env:"CLUSTER_NAME" envDefault:"topicdesk" desc:"Names the cluster in etcd: the nodes of one desk have the same name, and no other desk has it."`
	ClusterAddr     string   `env:"CLUSTER_ADDR" desc:"For a cluster: the host and port where the other nodes reach this one, such as 10.0.0.1:7070. It listens there, and every node needs its own host."`
	ClusterInsecure bool     `env:"CLUSTER_INSECURE" envDefault:"false" oneof:"true|false" desc:"true: nodes may talk unencrypted over a network, without CLUSTER_TLS_*. Whoever reaches CLUSTER_ADDR can then do everything."`
	ClusterTLSCert  string   `env:"CLUSTER_TLS_CERT" desc:"The file with this node's certificate (PEM), for the traffic between nodes: mutual TLS. It must be valid for the host of CLUSTER_ADDR, as a server and as a client."`
	ClusterTLSKey   string   `env:"CLUSTER_TLS_KEY" desc:"The file with the key of CLUSTER_TLS_CERT (PEM)."`
	ClusterTLSCA    string   `env:"CLUSTER_TLS_CA" desc:"The file with the certificates (PEM) of whoever signs the nodes' certificates. A node talks to none that they have not signed, so sign nothing else with them."`
	EtcdEndpoints   []string `env:"ETCD_ENDPOINTS" unset:"(none)" allowed:"addresses with commas between them, such as https://10.0.0.1:2379,https://10.0.0.2:2379" desc:"Comma-separated addresses of the etcd servers, such as http://127.0.0.1:2379"`
	EtcdUsername    string   `env:"ETCD_USERNAME" desc:"The user at etcd, if it wants one."`
	EtcdPassword    Secret   `env:"ETCD_PASSWORD" desc:"The password of ETCD_USERNAME."`
	EtcdTLSCert     string   `env:"ETCD_TLS_CERT" desc:"The file with the certificate (PEM) that this node shows to etcd, if etcd wants one."`
	EtcdTLSKey      string   `env:"ETCD_TLS_KEY" desc:"The file with the key of ETCD_TLS_CERT (PEM)."`
	EtcdTLSCA       string   `env:"ETCD_TLS_CA" unset:"those of the system" desc:"The file with the certificates (PEM) of whoever signs those of the etcd servers."`

	AlertsChat string `env:"ALERTS_CHAT" allowed:"the Telegram id of a group, such as -1001234567890, or with a topic of it, such as -1001234567890/45" desc:"Where the bot posts problems when they open and when they are over, such as a webhook that fails or a disk that is nearly full: the Telegram id of a group, or with one of its topics, -1001234567890/45. Unset: nowhere."`

	OTelEndpoint       string   `env:"OTEL_EXPORTER_OTLP_ENDPOINT" unset:"(nothing is traced)" desc:"Switches OpenTelemetry traces on: where they are sent by OTLP over HTTP, such as http://127.0.0.1:4318; /v1/traces is added."`
	OTelTracesEndpoint string   `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" unset:"OTEL_EXPORTER_OTLP_ENDPOINT" desc:"The same for traces alone, and taken as it is: with its path."`
	OTelHeaders        Secret   `env:"OTEL_EXPORTER_OTLP_HEADERS" desc:"Headers that are sent with the traces, such as a key of whoever keeps them: name=value with commas between them, and %-escapes in values."`
	OTelProtocol       string   `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf" oneof:"http/protobuf" desc:"How traces are sent. There is one way."`
	OTelServiceName    string   `env:"OTEL_SERVICE_NAME" envDefault:"topicdesk" desc:"What traces call this service."`
	OTelResource       []string `env:"OTEL_RESOURCE_ATTRIBUTES" unset:"(none)" allowed:"name=value with commas between them, such as deployment.environment.name=production" desc:"What traces say of this process besides: name=value with commas between them, such as deployment.environment.name=production."`
	OTelSampler        string   `env:"OTEL_TRACES_SAMPLER" envDefault:"parentbased_always_on" oneof:"always_on|always_off|traceidratio|parentbased_always_on|parentbased_always_off|parentbased_traceidratio" desc:"Which updates and requests are traced: all, none, or the share that OTEL_TRACES_SAMPLER_ARG says. With parentbased, a program that calls the API decides about its own requests by its traceparent."`
	OTelSamplerArg     string   `env:"OTEL_TRACES_SAMPLER_ARG" unset:"1" allowed:"a number from 0 to 1, such as 0.01" desc:"The share of updates and requests that traceidratio and parentbased_traceidratio trace, such as 0.01."`
	OTelDisabled       bool     `env:"OTEL_SDK_DISABLED" envDefault:"false" oneof:"true|false" desc:"true: nothing is traced, whatever else is set."`

	LogLevel  string `env:"LOG_LEVEL" envDefault:"info" oneof:"debug|info|warn|error" desc:"What is logged: debug, info, warn or error."`
	LogFormat string `env:"LOG_FORMAT" envDefault:"text" oneof:"text|json" desc:"text for people, json for machines."`

	warnings []string
}

// UsesSimulator reports that there is no token, so serve starts the built-in simulator.
func (c Config) UsesSimulator() bool { return c.TelegramBotToken == "" }

// Warnings are notes about valid but risky settings, to be logged at start, one line each.
func (c Config) Warnings() []string { return c.warnings }

// Level is LOG_LEVEL as slog knows it.
func (c Config) Level() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.LogLevel)) // Load accepts only valid levels; an empty one leaves info
	return level
}

// Database holds the parts of DATABASE_URL.
type Database struct {
	Kind string // DatabaseSQLite or DatabaseMongoDB
	Path string // of the SQLite file; relative paths are relative to the working directory
	URI  Secret // of MongoDB, complete
	Name string // of the database in MongoDB
}

// Database returns the parts of DATABASE_URL. For a Config that Load refused it is the zero Database.
func (c Config) Database() Database {
	db, _ := parseDatabase(c.DatabaseURL)
	return db
}

// GroupAllowed reports whether the group with this Telegram id may register.
func (c Config) GroupAllowed(telegramID int64) bool {
	if len(c.GroupsAllowed) == 0 {
		return true
	}
	for _, id := range c.GroupsAllowed {
		if id == telegramID {
			return true
		}
	}
	return false
}

// WebhookSecret derives the webhook's secret from the bot's token. It is the same at every start and on every node,
// and does not reveal the token.
func WebhookSecret(token Secret) Secret {
	mac := hmac.New(sha256.New, []byte(token.Reveal()))
	mac.Write([]byte("topicdesk: telegram webhook secret"))
	return Secret(base64.RawURLEncoding.EncodeToString(mac.Sum(nil)))
}

// Alerts returns the parts of ALERTS_CHAT: the Telegram id of a group, and a topic there, 0 for none. It is not ok when they are
// not valid; both are 0 when it is not set.
func (c Config) Alerts() (chat, topic int64, ok bool) {
	if c.AlertsChat == "" {
		return 0, 0, true
	}
	group, thread, hasTopic := strings.Cut(c.AlertsChat, "/")
	chat, err := strconv.ParseInt(group, 10, 64)
	if err != nil || chat >= 0 {
		return 0, 0, false
	}
	if hasTopic {
		if topic, err = strconv.ParseInt(thread, 10, 64); err != nil || topic <= 0 {
			return 0, 0, false
		}
	}
	return chat, topic, true
}

// parseDatabase reads sqlite://path and mongodb://[user:password@]host[:port][,host…]/name[?options], also with
// mongodb+srv. It does not use net/url, which refuses lists of hosts.
func parseDatabase(value Secret) (Database, bool) {
	uri := value.Reveal()
	if path, ok := strings.CutPrefix(uri, "sqlite://"); ok {
		if path == "" || path[0] == ':' || strings.HasSuffix(path, "/") || strings.ContainsAny(path, "?#") {
			return Database{}, false
		}
		return Database{Kind: DatabaseSQLite, Path: path}, true
	}
	rest, ok := strings.CutPrefix(uri, "mongodb://")
	if !ok {
		rest, ok = strings.CutPrefix(uri, "mongodb+srv://")
	}
	if !ok {
		return Database{}, false
	}
	rest, _, _ = strings.Cut(rest, "?")
	hosts, name, _ := strings.Cut(rest[strings.LastIndexByte(rest, '@')+1:], "/")
	if hosts == "" || name == "" || strings.ContainsAny(name, `/\. "$`) {
		return Database{}, false
	}
	return Database{Kind: DatabaseMongoDB, URI: value, Name: name}, true
}
