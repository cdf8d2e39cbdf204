package config_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/topicdesk/topicdesk/config"
)

// node are the settings of a node of a cluster, with changes; a change to "" takes a setting away.
func node(changes vars) vars {
	v := vars{"TELEGRAM_BOT_TOKEN": token, "CLUSTER_PROVIDER": "etcd", "CLUSTER_ADDR": "127.0.0.1:7070",
		"ETCD_ENDPOINTS": "http://127.0.0.1:2379", "DATABASE_URL": "mongodb://u:hunter2@db/desk",
		"FILES_URL": "s3://bucket?region=x", "SECRETS_KEY": strings.Repeat("hunter2", 5)}
	maps.Copy(v, changes)
	return v
}

var mutualTLS = vars{"CLUSTER_TLS_CERT": "node.pem", "CLUSTER_TLS_KEY": "node.key", "CLUSTER_TLS_CA": "ca.pem"}

func with(v, more vars) vars {
	all := maps.Clone(v)
	maps.Copy(all, more)
	return all
}

func TestClusterAccepted(t *testing.T) {
	for name, tt := range map[string]struct {
		vars    vars
		warning string
	}{
		"on one machine":                 {node(nil), ""},
		"the name of the machine":        {node(vars{"CLUSTER_ADDR": "localhost:7070"}), ""},
		"over a network with TLS":        {node(with(mutualTLS, vars{"CLUSTER_ADDR": "10.0.0.1:7070"})), ""},
		"over a network without TLS":     {node(vars{"CLUSTER_ADDR": "10.0.0.1:7070", "CLUSTER_INSECURE": "true"}), "CLUSTER_INSECURE"},
		"three servers of etcd with TLS": {node(vars{"ETCD_ENDPOINTS": "https://a:2379, https://b:2379,https://c:2379"}), ""},
		"etcd over a network":            {node(vars{"ETCD_ENDPOINTS": "http://10.0.0.5:2379"}), "ETCD_ENDPOINTS has http://10.0.0.5:2379"},
		"a folder that is shared":        {node(vars{"FILES_URL": "file:///mnt/files?shared=true"}), ""},
		"etcd that wants a user":         {node(vars{"ETCD_USERNAME": "desk", "ETCD_PASSWORD": "hunter2"}), ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := load(t, tt.vars)
			if !c.Clustered() {
				t.Error("it is no cluster")
			}
			all := strings.ReplaceAll(strings.Join(c.Warnings(), "\n"), "GROUPS_ALLOWED is not set", "")
			if !strings.Contains(all, tt.warning) || tt.warning == "" && strings.Contains(all, "_") {
				t.Errorf("warnings %q, want %q", all, tt.warning)
			}
		})
	}
	if load(t, nil).Clustered() {
		t.Error("a cluster by default")
	}
	f := load(t, node(vars{"FILES_URL": "file:///mnt/files?shared=true"})).Files()
	if f.URL != "file:///mnt/files" || !f.Shared {
		t.Errorf("a shared folder is %+v", f)
	}
}

func TestClusterRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		vars vars
		want []string
	}{
		"SQLite":                     {node(vars{"DATABASE_URL": "sqlite://desk.db"}), []string{`DATABASE_URL="sqlite://desk.db": must be mongodb://… with CLUSTER_PROVIDER=etcd: SQLite is for one node alone`}},
		"no database":                {node(vars{"DATABASE_URL": ""}), []string{`DATABASE_URL is not set: must be mongodb://…`}},
		"the simulator":              {node(vars{"TELEGRAM_BOT_TOKEN": "", "DATABASE_URL": ""}), []string{`CLUSTER_PROVIDER="etcd": must be single without TELEGRAM_BOT_TOKEN`}},
		"a local folder":             {node(vars{"FILES_URL": "file:///srv/files"}), []string{`FILES_URL="file:///srv/files": must be s3://…, or a folder that all nodes share`}},
		"the usual folder":           {node(vars{"FILES_URL": ""}), []string{`FILES_URL is not set: must be s3://…, or a folder that all nodes share`}},
		"a folder half shared":       {node(vars{"FILES_URL": "file:///srv/files?shared=yes"}), []string{`only ?shared=true may follow a folder`}},
		"no address":                 {node(vars{"CLUSTER_ADDR": ""}), []string{`CLUSTER_ADDR is not set: CLUSTER_PROVIDER=etcd needs it`}},
		"all interfaces":             {node(vars{"CLUSTER_ADDR": "0.0.0.0:7070"}), []string{`CLUSTER_ADDR="0.0.0.0:7070": must be the host and port where the other nodes reach this one`}},
		"no host":                    {node(vars{"CLUSTER_ADDR": ":7070"}), []string{`CLUSTER_ADDR=":7070": must be the host and port`}},
		"any port":                   {node(vars{"CLUSTER_ADDR": "127.0.0.1:0"}), []string{`CLUSTER_ADDR="127.0.0.1:0": must be the host and port`}},
		"a network without TLS":      {node(vars{"CLUSTER_ADDR": "10.0.0.1:7070"}), []string{`CLUSTER_ADDR="10.0.0.1:7070": other machines reach it, so it needs CLUSTER_TLS_CERT, CLUSTER_TLS_KEY and CLUSTER_TLS_CA (or CLUSTER_INSECURE=true`}},
		"a name without TLS":         {node(vars{"CLUSTER_ADDR": "desk-0.desk:7070"}), []string{`other machines reach it`}},
		"a certificate without key":  {node(vars{"CLUSTER_TLS_CERT": "node.pem", "CLUSTER_TLS_CA": "ca.pem"}), []string{`CLUSTER_TLS_KEY is not set: CLUSTER_TLS_CERT needs it`}},
		"a certificate without CA":   {node(vars{"CLUSTER_TLS_CERT": "node.pem", "CLUSTER_TLS_KEY": "node.key"}), []string{`CLUSTER_TLS_CA is not set: CLUSTER_TLS_CERT needs it`}},
		"a CA without certificate":   {node(vars{"CLUSTER_TLS_CA": "ca.pem"}), []string{`CLUSTER_TLS_CERT is not set: CLUSTER_TLS_CA needs it`}},
		"half a pair for etcd":       {node(vars{"ETCD_TLS_KEY": "etcd.key"}), []string{`ETCD_TLS_CERT is not set: ETCD_TLS_KEY needs it`}},
		"a user without password":    {node(vars{"ETCD_USERNAME": "desk"}), []string{`ETCD_PASSWORD is not set: ETCD_USERNAME needs it`}},
		"no etcd":                    {node(vars{"ETCD_ENDPOINTS": ""}), []string{`ETCD_ENDPOINTS is not set: CLUSTER_PROVIDER=etcd needs it`}},
		"etcd without a scheme":      {node(vars{"ETCD_ENDPOINTS": "10.0.0.5:2379"}), []string{`ETCD_ENDPOINTS="10.0.0.5:2379": "10.0.0.5:2379" is no such address; must be addresses with commas`}},
		"etcd without a port":        {node(vars{"ETCD_ENDPOINTS": "http://etcd"}), []string{`"http://etcd" is no such address`}},
		"a name with a slash":        {node(vars{"CLUSTER_NAME": "a/b"}), []string{`CLUSTER_NAME="a/b": must be 1 to 256 of A-Z`}},
		"no key for secrets":         {node(vars{"SECRETS_KEY": ""}), []string{`SECRETS_KEY is not set: CLUSTER_PROVIDER=etcd needs it: the same on every node`}},
		"a word for insecure":        {node(vars{"CLUSTER_INSECURE": "yes"}), []string{`CLUSTER_INSECURE="yes": must be true or false`}},
		"mistakes of a single node":  {vars{"CLUSTER_ADDR": "nowhere", "ETCD_PASSWORD": "hunter2"}, []string{`CLUSTER_ADDR="nowhere": must be`, `ETCD_USERNAME is not set`}},
		"a password that must be so": {node(vars{"ETCD_USERNAME": "desk", "ETCD_PASSWORD": "change-me"}), []string{`ETCD_PASSWORD=***: this is a placeholder`}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(tt.vars.lookup, "")
			if err == nil {
				t.Fatal("accepted")
			}
			if n := strings.Count(err.Error(), "\n") + 1; n != len(tt.want) {
				t.Errorf("%d mistakes, want %d:\n%v", n, len(tt.want), err)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("nothing says %q:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("a secret shows:\n%v", err)
			}
		})
	}
}
