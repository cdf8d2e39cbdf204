package config_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/topicdesk/topicdesk/config"
)

const token = "987654321:AAF-kLmNoPqRsTuVwXyZ0123456789abcde"

type vars map[string]string

func (v vars) lookup(name string) (string, bool) {
	value, ok := v[name]
	return value, ok
}

func load(t *testing.T, v vars) config.Config {
	t.Helper()
	c, err := config.Load(v.lookup, "")
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return c
}

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "settings.env")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c := load(t, nil)
	if !c.UsesSimulator() {
		t.Error("without a token the simulator is used")
	}
	if c.TelegramWebhookSecret != "" {
		t.Error("a secret was derived from no token")
	}
	got := []any{c.TelegramAPIURL, c.TelegramMode, c.TelegramGlobalPerSecond, c.TelegramChatPerSecond, c.TelegramGroupPerMinute,
		c.HTTPAddr, c.DataDir, c.ClusterProvider, c.LogLevel, c.LogFormat, c.Level()}
	want := []any{"https://api.telegram.org", "polling", 30, 1, 20, "127.0.0.1:8080", "data", "single", "info", "text", slog.LevelInfo}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(config.Database{Kind: "sqlite", Path: "data/topicdesk.db"}, c.Database()); diff != "" {
		t.Error(diff)
	}
	if len(c.Warnings()) != 0 {
		t.Errorf("warnings on a first try: %q", c.Warnings())
	}
}

// TestUnusedSettingsAreNamed: a setting that has no effect beside the others is one that somebody relies on.
func TestUnusedSettingsAreNamed(t *testing.T) {
	for name, given := range map[string]vars{
		"TELEGRAM_WEBHOOK_URL": {"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test/telegram/webhook"},
		"SIMULATOR_PORT":       {"TELEGRAM_BOT_TOKEN": token, "SIMULATOR_PORT": "8099"},
	} {
		c, err := config.Load(given.lookup, "")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(c.Warnings(), "\n"), name+" is not used") {
			t.Errorf("%s: %q", name, c.Warnings())
		}
	}
}

func TestAccepted(t *testing.T) {
	webhook := vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test/telegram/webhook"}
	tests := map[string]struct {
		vars  vars
		check func(c config.Config) bool
	}{
		"a token":                       {vars{"TELEGRAM_BOT_TOKEN": token}, func(c config.Config) bool { return c.TelegramBotToken.Reveal() == token && !c.UsesSimulator() }},
		"a token with a newline behind": {vars{"TELEGRAM_BOT_TOKEN": token + "\n"}, func(c config.Config) bool { return c.TelegramBotToken.Reveal() == token }},
		"a simulator started apart": {vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_URL": "http://127.0.0.1:8081"},
			func(c config.Config) bool {
				return c.TelegramAPIURL == "http://127.0.0.1:8081" && !strings.Contains(strings.Join(c.Warnings(), ""), "unencrypted")
			}},
		"webhook": {webhook, func(c config.Config) bool { return c.TelegramMode == config.ModeWebhook }},
		"webhook to this machine from a server of one's own": {vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_URL": "http://localhost:8081",
			"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_URL": "http://127.0.0.1:8080/telegram/webhook"}, nil},
		"groups with blanks": {vars{"GROUPS_ALLOWED": " -1001234567890, -100987 ,"},
			func(c config.Config) bool {
				return cmp.Equal(c.GroupsAllowed, []int64{-1001234567890, -100987}) && c.GroupAllowed(-100987) && !c.GroupAllowed(-5)
			}},
		"no groups: any":                 {vars{}, func(c config.Config) bool { return c.GroupAllowed(-5) }},
		"no limit":                       {vars{"TELEGRAM_GLOBAL_PER_SECOND": "0"}, func(c config.Config) bool { return c.TelegramGlobalPerSecond == 0 }},
		"words in capitals":              {vars{"LOG_LEVEL": "DEBUG", "LOG_FORMAT": "Json"}, func(c config.Config) bool { return c.Level() == slog.LevelDebug && c.LogFormat == "json" }},
		"empty is not set":               {vars{"LOG_LEVEL": "", "HTTP_ADDR": "  "}, func(c config.Config) bool { return c.LogLevel == "info" && c.HTTPAddr == "127.0.0.1:8080" }},
		"all interfaces with a token":    {vars{"TELEGRAM_BOT_TOKEN": token, "HTTP_ADDR": ":8080"}, nil},
		"loopback of IPv6, any port":     {vars{"HTTP_ADDR": "[::1]:0"}, nil},
		"localhost":                      {vars{"HTTP_ADDR": "localhost:8080"}, nil},
		"SQLite in DATA_DIR":             {vars{"DATA_DIR": "/var/lib/desk"}, func(c config.Config) bool { return c.Database().Path == "/var/lib/desk/topicdesk.db" }},
		"SQLite from the root":           {vars{"DATABASE_URL": "sqlite:///var/lib/desk.db"}, func(c config.Config) bool { return c.Database().Path == "/var/lib/desk.db" }},
		"MongoDB with users and options": {vars{"TELEGRAM_BOT_TOKEN": token, "DATABASE_URL": "mongodb://u:p%40ss@a:27017,b/desk?replicaSet=rs0"}, func(c config.Config) bool { return c.Database().Name == "desk" }},
		"MongoDB by service record":      {vars{"TELEGRAM_BOT_TOKEN": token, "DATABASE_URL": "mongodb+srv://cluster0.abc.mongodb.net/desk"}, func(c config.Config) bool { return c.Database().Kind == "mongodb" }},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := load(t, tt.vars)
			if tt.check != nil && !tt.check(c) {
				t.Errorf("not as expected: %+v", c)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	tests := map[string]struct {
		vars vars
		want []string // one for each line: a part of it
	}{
		"an unknown mode":                   {vars{"TELEGRAM_MODE": "push"}, []string{`TELEGRAM_MODE="push": must be polling or webhook`}},
		"an unknown level":                  {vars{"LOG_LEVEL": "verbose"}, []string{`LOG_LEVEL="verbose": must be debug, info, warn or error`}},
		"traces by gRPC":                    {vars{"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, []string{`OTEL_EXPORTER_OTLP_PROTOCOL="grpc": must be http/protobuf`}},
		"traces to nowhere":                 {vars{"OTEL_EXPORTER_OTLP_ENDPOINT": "localhost:4318"}, []string{`OTEL_EXPORTER_OTLP_ENDPOINT="localhost:4318": must be https://host`}},
		"a secret header without a name":    {vars{"OTEL_EXPORTER_OTLP_HEADERS": "hunter2"}, []string{`OTEL_EXPORTER_OTLP_HEADERS=***: must be name=value`}},
		"a header of two lines":             {vars{"OTEL_EXPORTER_OTLP_HEADERS": "key=hunter2%0D%0Aother: x"}, []string{`OTEL_EXPORTER_OTLP_HEADERS=***: must be name=value`}},
		"a share above 1":                   {vars{"OTEL_TRACES_SAMPLER_ARG": "5"}, []string{`OTEL_TRACES_SAMPLER_ARG="5": must be a number from 0 to 1`}},
		"a share that is no number":         {vars{"OTEL_TRACES_SAMPLER_ARG": "NaN"}, []string{`OTEL_TRACES_SAMPLER_ARG="NaN": must be a number from 0 to 1`}},
		"a resource without a value":        {vars{"OTEL_RESOURCE_ATTRIBUTES": "production"}, []string{`OTEL_RESOURCE_ATTRIBUTES="production": must be name=value`}},
		"an unknown provider":               {vars{"CLUSTER_PROVIDER": "consul"}, []string{`CLUSTER_PROVIDER="consul": must be single or etcd`}},
		"a number in words":                 {vars{"TELEGRAM_CHAT_PER_SECOND": "one"}, []string{`TELEGRAM_CHAT_PER_SECOND="one": must be a whole number from 0 to 100`}},
		"a number below nothing":            {vars{"TELEGRAM_GLOBAL_PER_SECOND": "-1"}, []string{`TELEGRAM_GLOBAL_PER_SECOND="-1": must be a whole number from 0 to 1000`}},
		"a number too large for any type":   {vars{"TELEGRAM_GROUP_PER_MINUTE": "99999999999999999999"}, []string{`a whole number from 0 to 6000`}},
		"a name for a group":                {vars{"GROUPS_ALLOWED": "-1001234567890,@desk"}, []string{`GROUPS_ALLOWED="-1001234567890,@desk": must be Telegram ids`}},
		"a person's id for alerts":          {vars{"ALERTS_CHAT": "1234567890"}, []string{`ALERTS_CHAT="1234567890": must be the Telegram id of a group`}},
		"a person's id for a group":         {vars{"GROUPS_ALLOWED": "1234567890"}, []string{`1234567890 is not a group; must be Telegram ids of groups`}},
		"a short token":                     {vars{"TELEGRAM_BOT_TOKEN": "12345:abc"}, []string{`TELEGRAM_BOT_TOKEN=***: must be a token from @BotFather`}},
		"the example's token":               {vars{"TELEGRAM_BOT_TOKEN": "your-token-here"}, []string{`TELEGRAM_BOT_TOKEN=***: this is a placeholder`}},
		"the documentation's token":         {vars{"TELEGRAM_BOT_TOKEN": "123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11"}, []string{`TELEGRAM_BOT_TOKEN=***: this is a placeholder`}},
		"another of the documentation":      {vars{"TELEGRAM_BOT_TOKEN": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"}, []string{`placeholder`}},
		"a bracketed database":              {vars{"DATABASE_URL": "mongodb://<host>/topicdesk", "TELEGRAM_BOT_TOKEN": token}, []string{`DATABASE_URL="mongodb://<host>/topicdesk": this is a placeholder`}},
		"an example's host":                 {vars{"TELEGRAM_WEBHOOK_URL": "https://desk.example.com/telegram/webhook"}, []string{`TELEGRAM_WEBHOOK_URL="https://desk.example.com/telegram/webhook": this is a placeholder`}},
		"a secret to be changed":            {vars{"TELEGRAM_WEBHOOK_SECRET": "change-me"}, []string{`TELEGRAM_WEBHOOK_SECRET=***: this is a placeholder`}},
		"a secret with blanks":              {vars{"TELEGRAM_WEBHOOK_SECRET": "open sesame"}, []string{`TELEGRAM_WEBHOOK_SECRET=***: must be 1 to 256`}},
		"a secret too long":                 {vars{"TELEGRAM_WEBHOOK_SECRET": strings.Repeat("a", 257)}, []string{`TELEGRAM_WEBHOOK_SECRET=***: must be 1 to 256`}},
		"webhook without an address":        {vars{"TELEGRAM_MODE": "webhook", "TELEGRAM_BOT_TOKEN": token}, []string{`TELEGRAM_WEBHOOK_URL is not set: TELEGRAM_MODE=webhook needs it`}},
		"webhook with the simulator":        {vars{"TELEGRAM_MODE": "webhook", "TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test/telegram/webhook"}, []string{`TELEGRAM_MODE="webhook": must be polling without TELEGRAM_BOT_TOKEN`}},
		"webhook without a path":            {vars{"TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test"}, []string{`must be the complete public address`}},
		"webhook at another path":           {vars{"TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test/hook"}, []string{`TELEGRAM_WEBHOOK_URL="https://desk.topicdesk.test/hook": must end in /telegram/webhook`}},
		"webhook at a longer path":          {vars{"TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test/telegram/webhook/"}, []string{`must end in /telegram/webhook`}},
		"webhook in the clear":              {vars{"TELEGRAM_WEBHOOK_URL": "http://desk.topicdesk.test/telegram/webhook"}, []string{`only https://`}},
		"webhook at a port not called":      {vars{"TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test:8080/telegram/webhook"}, []string{`only the ports 443, 80, 88 and 8443`}},
		"an API address without scheme":     {vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_URL": "api.telegram.org"}, []string{`TELEGRAM_API_URL="api.telegram.org": must be https://host`}},
		"an API address with a user":        {vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_URL": "https://u:hunter2@api.telegram.org"}, []string{`TELEGRAM_API_URL="https://***@api.telegram.org": must be`}},
		"an API address without a token":    {vars{"TELEGRAM_API_URL": "http://127.0.0.1:8081"}, []string{`TELEGRAM_BOT_TOKEN is not set: TELEGRAM_API_URL needs a token`}},
		"the simulator with MongoDB":        {vars{"DATABASE_URL": "mongodb://u:hunter2@db/desk?x=hunter2"}, []string{`DATABASE_URL="mongodb://***@db/desk?***": must be sqlite://… without TELEGRAM_BOT_TOKEN`}},
		"the simulator for all the world":   {vars{"HTTP_ADDR": "0.0.0.0:8080"}, []string{`HTTP_ADDR="0.0.0.0:8080": must be an address that only this machine reaches`}},
		"the simulator on all interfaces":   {vars{"HTTP_ADDR": ":8080"}, []string{`HTTP_ADDR=":8080": must be an address that only this machine reaches`}},
		"the simulator's page at no port":   {vars{"SIMULATOR_PORT": "70000"}, []string{`SIMULATOR_PORT="70000": must be a whole number from 1 to 65535`}},
		"the simulator's page at the API":   {vars{"SIMULATOR_PORT": "8080"}, []string{`SIMULATOR_PORT="8080": must be another port than HTTP_ADDR's`}},
		"an address without port":           {vars{"HTTP_ADDR": "127.0.0.1"}, []string{`HTTP_ADDR="127.0.0.1": must be host:port`}},
		"an address with a port too large":  {vars{"HTTP_ADDR": "127.0.0.1:70000"}, []string{`HTTP_ADDR="127.0.0.1:70000": must be host:port`}},
		"another database":                  {vars{"DATABASE_URL": "postgres://u:hunter2@db/desk"}, []string{`DATABASE_URL="postgres://***@db/desk": must be sqlite://`}},
		"MongoDB without a name":            {vars{"TELEGRAM_BOT_TOKEN": token, "DATABASE_URL": "mongodb://db"}, []string{`DATABASE_URL="mongodb://db": must be`}},
		"no path of a file":                 {vars{"DATA_DIR": "what?"}, []string{`DATA_DIR="what?": must have neither ? nor #`}},
		"SQLite in memory":                  {vars{"DATABASE_URL": "sqlite://:memory:"}, []string{`DATABASE_URL="sqlite://:memory:": must be`}},
		"a token where it does not belong":  {vars{"HTTP_ADDR": token}, []string{`HTTP_ADDR="***": must be`}},
		"all mistakes at once":              {vars{"LOG_LEVEL": "x", "TELEGRAM_MODE": "y", "TELEGRAM_CHAT_PER_SECOND": "z", "HTTP_ADDR": "nowhere"}, []string{`TELEGRAM_MODE="y"`, `TELEGRAM_CHAT_PER_SECOND="z"`, `HTTP_ADDR="nowhere"`, `LOG_LEVEL="x"`}},
		"a value of several lines, on one":  {vars{"LOG_LEVEL": "a\nb"}, []string{`LOG_LEVEL="a\nb"`}},
		"a group's id that is not a number": {vars{"GROUPS_ALLOWED": "-100x"}, []string{`GROUPS_ALLOWED="-100x": must be Telegram ids`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(tt.vars.lookup, "")
			if err == nil {
				t.Fatal("accepted")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(tt.want) {
				t.Errorf("%d mistakes, want %d:\n%v", len(lines), len(tt.want), err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("nothing says %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), token) || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret shows:\n%v", err)
			}
		})
	}
}

func TestDotenv(t *testing.T) {
	path := writeFile(t, "# a comment\nexport LOG_LEVEL=warn\nHTTP_ADDR='127.0.0.1:9090'\nDATA_DIR=from-file\nTELEGRAM_TOKEN=x\nETCD_TIMEOUT=5s\nTZ=Asia/Bangkok\n")
	c, err := config.Load(vars{"DATA_DIR": "from-environment", "HTTP_ADDR": ""}.lookup, path)
	if err != nil {
		t.Fatal(err)
	}
	if c.LogLevel != "warn" {
		t.Errorf("LOG_LEVEL = %q: the file is not read", c.LogLevel)
	}
	if c.DataDir != "from-environment" {
		t.Errorf("DATA_DIR = %q: the environment wins over the file", c.DataDir)
	}
	if c.HTTPAddr != "127.0.0.1:9090" {
		t.Errorf("HTTP_ADDR = %q: an empty value in the environment is none", c.HTTPAddr)
	}
	w := c.Warnings()
	if len(w) != 3 || !strings.HasPrefix(w[0], "ETCD_TIMEOUT ") || !strings.HasPrefix(w[1], "TELEGRAM_TOKEN ") ||
		!strings.HasPrefix(w[2], "TZ ") {
		t.Errorf("warnings %q, want one for each of ETCD_TIMEOUT, TELEGRAM_TOKEN and TZ", w)
	}

	t.Run("no file is no mistake", func(t *testing.T) {
		if _, err := config.Load(vars{}.lookup, filepath.Join(t.TempDir(), ".env")); err != nil {
			t.Error(err)
		}
	})
	for name, tt := range map[string]struct{ line, want string }{
		"a line without =":       {"TELEGRAM_BOT_TOKEN 'hunter2'", "line 4: must be NAME=value"},
		"a quote without an end": {"TELEGRAM_BOT_TOKEN=\"hunter2", "line 4: must be NAME=value"},
		"blanks in a name":       {"TELEGRAM_BOT TOKEN " + token, "line 4: a name has blanks in it"},
	} {
		t.Run(name+" is told, and no secret", func(t *testing.T) {
			path := writeFile(t, "NOTE=\"two\nlines\"\nLOG_LEVEL=info\n"+tt.line+"\nDATA_DIR=x\n")
			_, err := config.Load(vars{}.lookup, path)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v", err)
			}
			for _, secret := range []string{"hunter2", token, "987654321"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("a secret shows: %v", err)
				}
			}
		})
	}
	t.Run("the example changes nothing", func(t *testing.T) {
		got, err := config.Load(vars{}.lookup, writeFile(t, config.Example()))
		if err != nil {
			t.Fatal(err)
		}
		want := load(t, nil)
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(config.Config{})); diff != "" {
			t.Error(diff)
		}
	})
}

// TestMisspeltNames has names that are no settings in the file and in the environment.
func TestDotenvWithByteOrderMark(t *testing.T) {
	c, err := config.Load(vars{}.lookup, writeFile(t, "\xef\xbb\xbfLOG_LEVEL=warn\r\n"))
	if err != nil || c.LogLevel != "warn" || len(c.Warnings()) > 0 {
		t.Error(c.LogLevel, c.Warnings(), err)
	}
}

func TestMisspeltNames(t *testing.T) {
	inFile := func(name string) string { return name + " in the settings file is not a setting" }
	for line, want := range map[string]string{
		"GROUP_ALLOWED=-1":  "did you mean GROUPS_ALLOWED?",
		"LOGLEVEL=debug":    "did you mean LOG_LEVEL?",
		"log_level=warn":    "did you mean LOG_LEVEL?",
		"TELEGRAM_TOKEN=x":  "did you mean TELEGRAM_BOT_TOKEN?",
		"COFFEE_MACHINE=on": "has no effect",
	} {
		name, value, _ := strings.Cut(line, "=")
		c, err := config.Load(vars{}.lookup, writeFile(t, line+"\n"))
		if err != nil {
			t.Fatal(err)
		}
		w := c.Warnings()
		if len(w) != 1 || !strings.HasPrefix(w[0], inFile(name)) || !strings.HasSuffix(w[0], want) || strings.Contains(w[0], "="+value) {
			t.Errorf("%s: warnings %q", line, w)
		}
	}
	c, err := config.Load(vars{"LOG_LEVEL": "info"}.lookup, "", "LOGLEVEL=debug", "LOG_LEVEL=info", "HTTP_PROXY=x", "PATH=/bin", "LANG=C",
		"TELEGRAM_TOKEN=x", "group_allowed=1", "USER=me", "HOME=/", "GOGC=100", "AWS_REGION=eu", "=C:=x", "", "TZ=UTC")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"LOGLEVEL in the environment is not a setting of this service and has no effect; did you mean LOG_LEVEL?",
		"group_allowed in the environment is not a setting of this service and has no effect; did you mean GROUPS_ALLOWED?"}
	if diff := cmp.Diff(want, c.Warnings()); diff != "" {
		t.Error(diff)
	}
}

func TestWarnings(t *testing.T) {
	c := load(t, vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_API_URL": "http://bots.internal:8081", "TELEGRAM_MODE": "webhook",
		"TELEGRAM_WEBHOOK_URL": "https://desk.topicdesk.test/telegram/webhook", "TELEGRAM_WEBHOOK_SECRET": "short", "WEBHOOK_ALLOW_NETWORKS": "10.0.0.0/8,0.0.0.0/0"})
	all := strings.Join(c.Warnings(), "\n")
	for _, want := range []string{"GROUPS_ALLOWED is not set", "unencrypted", "only 5 characters", "WEBHOOK_ALLOW_NETWORKS has 0.0.0.0/0"} {
		if !strings.Contains(all, want) {
			t.Errorf("no warning says %q:\n%s", want, all)
		}
	}
}

func TestWebhookSecret(t *testing.T) {
	first, again := load(t, vars{"TELEGRAM_BOT_TOKEN": token}), load(t, vars{"TELEGRAM_BOT_TOKEN": token})
	other := load(t, vars{"TELEGRAM_BOT_TOKEN": token + "x"})
	secret := first.TelegramWebhookSecret.Reveal()
	if len(secret) != 43 || strings.Trim(secret, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
		t.Errorf("derived %q", secret)
	}
	if again.TelegramWebhookSecret != first.TelegramWebhookSecret {
		t.Error("another secret at the next start: Telegram would be refused")
	}
	if other.TelegramWebhookSecret == first.TelegramWebhookSecret {
		t.Error("two tokens, one secret")
	}
	if own := load(t, vars{"TELEGRAM_BOT_TOKEN": token, "TELEGRAM_WEBHOOK_SECRET": "my-very-own_secret"}); own.TelegramWebhookSecret.Reveal() != "my-very-own_secret" {
		t.Error("the secret that was given is not used")
	}
}

func TestAlerts(t *testing.T) {
	for value, want := range map[string][2]int64{"": {}, "-1001234567890": {-1001234567890, 0}, "-1001234567890/45": {-1001234567890, 45}} {
		chat, topic, ok := load(t, vars{"ALERTS_CHAT": value}).Alerts()
		if got := [2]int64{chat, topic}; !ok || got != want {
			t.Errorf("%q is %v", value, got)
		}
	}
	for _, value := range []string{"1234567890", "-100x", "-1001234567890/", "-1001234567890/0", "-1001234567890/-4", "/45", "-1/2/3"} {
		if _, _, ok := (config.Config{AlertsChat: value}).Alerts(); ok {
			t.Errorf("%q is taken", value)
		}
	}
}

// TestLoadSome: mistakes in other settings, and rules that hold only for a service, are no matter to a command.
func TestLoadSome(t *testing.T) {
	wrong := vars{"PUBLIC_URL": "desk", "DATABASE_URL": "mongodb://host/desk", "HTTP_ADDR": ":8080", "DATA_DIR": "var"} // without a token
	c, err := config.LoadSome(wrong.lookup, "", []string{"DATABASE_URL", "DATA_DIR", "HTTP_ADDR"})
	if err != nil || c.DataDir != "var" || c.Database().Kind != config.DatabaseMongoDB || c.HTTPAddr != ":8080" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := config.LoadSome(wrong.lookup, "", []string{"PUBLIC_URL"}); err == nil || !strings.HasPrefix(err.Error(), "PUBLIC_URL=") {
		t.Error(err)
	}
	if _, err := config.Load(wrong.lookup, ""); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("a service is refused for all: %v", err)
	}
	cluster := vars{"CLUSTER_PROVIDER": "etcd"}
	if _, err := config.LoadSome(cluster.lookup, "", []string{"CLUSTER_PROVIDER", "CLUSTER_ADDR", "ETCD_ENDPOINTS"}); err == nil ||
		!strings.Contains(err.Error(), "CLUSTER_ADDR") || !strings.Contains(err.Error(), "ETCD_ENDPOINTS") || strings.Contains(err.Error(), "SECRETS_KEY") {
		t.Errorf("what it takes to reach a cluster: %v", err)
	}
	file := writeFile(t, "not a line\n")
	if _, err := config.LoadSome(vars{}.lookup, file, []string{"DATA_DIR"}); err == nil {
		t.Error("a file that can't be read is")
	}
}
