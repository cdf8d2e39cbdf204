package main

import (
	"os"

	"github.com/topicdesk/topicdesk/actors"
)

// exitFenced is the status with which a node ends that must not go on. A supervisor starts it again.
const exitFenced = 3

// cluster is what makes this node one of several; nil: it is alone.
func (a *App) cluster() *actors.ClusterOptions {
	c := a.Config
	if !c.Clustered() {
		return nil
	}
	options := &actors.ClusterOptions{
		Name: c.ClusterName, Addr: c.ClusterAddr,
		Etcd: actors.ClusterEtcd{Endpoints: c.EtcdEndpoints, Username: c.EtcdUsername, Password: c.EtcdPassword.Reveal(),
			Cert: c.EtcdTLSCert, Key: c.EtcdTLSKey, CA: c.EtcdTLSCA},
		Fenced: func(reason string) {
			// Nothing is stopped in order: other nodes do the work already, and each write of ours would disturb them.
			a.Log.Error("fenced: this process ends, and a new one may start", "reason", reason)
			os.Exit(exitFenced)
		},
	}
	if c.ClusterTLSCert != "" {
		options.TLS = &actors.ClusterTLS{Cert: c.ClusterTLSCert, Key: c.ClusterTLSKey, CA: c.ClusterTLSCA}
	}
	return options
}
