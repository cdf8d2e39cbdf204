package config

import (
	"net/url"
	"strings"
)

// Providers of a cluster.
const (
	ClusterSingle = "single"
	ClusterEtcd   = "etcd"
)

// Clustered says whether several nodes share the desk.
func (c Config) Clustered() bool { return c.ClusterProvider == ClusterEtcd }

// certificates are the settings that name the files of one side of TLS.
type certificates struct{ cert, key, ca string }

func (m *mistakes) checkCluster(c *Config, serving bool) {
	m.checkPair("CLUSTER_TLS_CERT", "CLUSTER_TLS_KEY")
	m.checkPair("ETCD_TLS_CERT", "ETCD_TLS_KEY")
	m.checkPair("ETCD_USERNAME", "ETCD_PASSWORD")
	tls := certificates{c.ClusterTLSCert, c.ClusterTLSKey, c.ClusterTLSCA}
	if tls.ca == "" && tls.cert != "" {
		m.refuse("CLUSTER_TLS_CA", "CLUSTER_TLS_CERT needs it: who signs the certificates of the other nodes")
	}
	if tls.ca != "" && tls.cert == "" {
		m.refuse("CLUSTER_TLS_CERT", "CLUSTER_TLS_CA needs it: nodes show each other their certificates")
	}
	host, port, ok := hostPort(c.ClusterAddr)
	named := m.set("CLUSTER_ADDR")
	if named && (!ok || !isHost(host) || port == 0 || isUnspecified(host)) {
		m.refuse("CLUSTER_ADDR", "must be the host and port where the other nodes reach this one, such as 10.0.0.1:7070")
		named = false
	}
	for _, endpoint := range c.EtcdEndpoints {
		if u, err := url.Parse(endpoint); m.set("ETCD_ENDPOINTS") &&
			(err != nil || !webAddress(endpoint) || strings.Trim(u.Path, "/") != "" || u.Port() == "") {
			m.refuse("ETCD_ENDPOINTS", "%s is no such address; must be %s", excerpt(endpoint),
				m.settings["ETCD_ENDPOINTS"].allowed())
		}
	}
	if m.set("CLUSTER_NAME") && !secretShape.MatchString(c.ClusterName) {
		m.refuse("CLUSTER_NAME", "must be 1 to 256 of A-Z a-z 0-9 _ -")
	}
	if !c.Clustered() || m.wrong["CLUSTER_PROVIDER"] {
		return
	}
	if named && !isLoopbackHost(host) && tls.cert == "" && !c.ClusterInsecure {
		m.refuse("CLUSTER_ADDR", "other machines reach it, so it needs CLUSTER_TLS_CERT, CLUSTER_TLS_KEY and CLUSTER_TLS_CA "+
			"(or CLUSTER_INSECURE=true, where nobody else is in the network)")
	}
	if serving && m.values["TELEGRAM_BOT_TOKEN"] == "" {
		m.refuse("CLUSTER_PROVIDER", "must be single without TELEGRAM_BOT_TOKEN (with the built-in simulator)")
		return
	}
	m.need("CLUSTER_ADDR", "the host and port where the other nodes reach this one, such as 10.0.0.1:7070")
	m.need("ETCD_ENDPOINTS", "where etcd is, such as http://127.0.0.1:2379")
	if serving {
		m.checkShared(c)
	}
}

// need refuses a node of a cluster without a setting.
func (m *mistakes) need(name, what string) {
	if m.values[name] == "" {
		m.refuse(name, "CLUSTER_PROVIDER=etcd needs it: %s", what)
	}
}

// checkShared refuses a node of a cluster that lacks something which all nodes must have together.
func (m *mistakes) checkShared(c *Config) {
	m.need("SECRETS_KEY", "the same on every node, since each signs webhooks; of a desk that ran alone it is in DATA_DIR/secrets.key")
	if db, ok := parseDatabase(c.DatabaseURL); ok && db.Kind == DatabaseSQLite {
		m.refuse("DATABASE_URL", "must be mongodb://… with CLUSTER_PROVIDER=etcd: SQLite is for one node alone")
	}
	if f := c.Files(); strings.HasPrefix(f.URL, "file://") && !f.Shared && !m.wrong["FILES_URL"] {
		m.refuse("FILES_URL", "must be s3://…, or a folder that all nodes share and that is said to be one, such as "+
			"file:///mnt/files?shared=true, with CLUSTER_PROVIDER=etcd")
	}
}

// checkPair refuses one of two settings without the other.
func (m *mistakes) checkPair(one, other string) {
	if m.values[one] != "" && m.values[other] == "" {
		m.refuse(other, "%s needs it", one)
	}
	if m.values[other] != "" && m.values[one] == "" {
		m.refuse(one, "%s needs it", other)
	}
}

func clusterWarnings(c Config, warn func(format string, args ...any)) {
	host, _, _ := hostPort(c.ClusterAddr)
	if !c.Clustered() {
		return
	}
	if c.ClusterTLSCert == "" && !isLoopbackHost(host) {
		warn("CLUSTER_INSECURE=true: messages between nodes travel unencrypted, and whoever reaches CLUSTER_ADDR can send some")
	}
	for _, endpoint := range c.EtcdEndpoints {
		if u, err := url.Parse(endpoint); err == nil && u.Scheme == "http" && !isLoopbackHost(u.Hostname()) {
			warn("ETCD_ENDPOINTS has %s: what etcd tells this node travels unencrypted", endpoint)
		}
	}
}
