package attachment

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/topicdesk/topicdesk/actors/internal/entity"
	"github.com/topicdesk/topicdesk/storage"
)

// Keeper keeps attachments for a node: those that its tickets download, and those that programs upload.
type Keeper struct {
	env       *entity.Env
	files     storage.Files // nil: attachments are not kept here
	downloads Downloads
	slots     chan struct{} // one for each download in progress
	metrics   *metrics
}

// Deps are what a Keeper is made of. Without Files or Downloads it keeps nothing.
type Deps struct {
	Files     storage.Files
	Downloads Downloads
	AtOnce    int // downloads in progress at the same time, at most; 4 when 0
	Metrics   prometheus.Registerer
}

// New makes the keeper of a node.
func New(env *entity.Env, d Deps) *Keeper {
	k := &Keeper{env: env, metrics: newMetrics(d.Metrics)}
	if d.Files != nil && d.Downloads != nil {
		k.files, k.downloads = d.Files, d.Downloads
	}
	if d.AtOnce == 0 {
		d.AtOnce = 4
	}
	k.slots = make(chan struct{}, d.AtOnce)
	return k
}

// Keeps says whether attachments are kept here.
func (k *Keeper) Keeps() bool { return k.files != nil }

// CleanName turns the name that a sender gave a file into one that is safe anywhere.
func (k *Keeper) CleanName(name string) string { return k.files.CleanName(name) }

type metrics struct {
	downloads     *prometheus.CounterVec
	downloadBytes prometheus.Counter
	downloading   prometheus.Gauge
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "topicdesk", Name: name, Help: help}
	}
	m := &metrics{
		downloads: prometheus.NewCounterVec(counter("downloads_total",
			"Tries to download a file, and uploads, by outcome; retry: it is tried again."), []string{"outcome"}),
		downloadBytes: prometheus.NewCounter(counter("download_bytes_total", "Bytes of files that were downloaded.")),
		downloading: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "topicdesk", Name: "downloads_under_way",
			Help: "Downloads in progress."}),
	}
	for _, outcome := range []string{storage.FileStored, storage.FileRefused, storage.FileFailed, storage.FileInfected,
		"retry", "uploaded"} {
		m.downloads.WithLabelValues(outcome)
	}
	if r != nil {
		r.MustRegister(m.downloads, m.downloadBytes, m.downloading)
	}
	return m
}
