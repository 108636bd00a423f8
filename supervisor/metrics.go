package supervisor

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/supd/supd/internal/api"
	"github.com/supd/supd/supervisor/core"
)

// scrapeWait bounds how long a scrape waits for the loop. Past it the scrape has supd_up 0 and nothing of the services.
const scrapeWait = 2 * time.Second

// metrics are counters kept as things happen, and gauges read from the state when somebody scrapes.
type metrics struct {
	s        *Supervisor
	registry *prometheus.Registry

	suppressedTotal *prometheus.CounterVec
	crashes         *prometheus.CounterVec
	reloads         *prometheus.CounterVec
	reminded        *prometheus.CounterVec
	watchdogs       *prometheus.CounterVec
	notifyIgnored   *prometheus.CounterVec

	startedUnderLock *prometheus.CounterVec
}

var (
	descUp       = prometheus.NewDesc("supd_up", "Whether the event loop answers (1) or not (0).", nil, nil)
	descInfo     = prometheus.NewDesc("supd_build_info", "Version of the running supd; always 1.", []string{"version"}, nil)
	descSvcUp    = prometheus.NewDesc("supd_service_up", "Whether the service runs and is ready.", []string{"service"}, nil)
	descWant     = prometheus.NewDesc("supd_service_want_up", "Whether the service should be up.", []string{"service"}, nil)
	descState    = prometheus.NewDesc("supd_service_state", "1 for the state that the service is in.", []string{"service", "state"}, nil)
	descRestarts = prometheus.NewDesc("supd_service_restarts_total", "Automatic starts and restarts since supd started.", []string{"service"}, nil)
	descJobLast  = prometheus.NewDesc("supd_job_last_success_timestamp_seconds", "When the last run of a job that ended well did so, in seconds since the epoch.", []string{"service"}, nil)
	descJobTook  = prometheus.NewDesc("supd_job_last_duration_seconds", "How long the last run of a job took.", []string{"service"}, nil)
	descJobNext  = prometheus.NewDesc("supd_job_next_run_timestamp_seconds", "When a job runs next by its schedule, in seconds since the epoch.", []string{"service"}, nil)
	descJobSkip  = prometheus.NewDesc("supd_job_skipped_total", "Times of a job's schedule that were left out since supd started: it still ran, or was held.", []string{"service"}, nil)
	descHold     = prometheus.NewDesc("supd_service_holds", "Holds on the service by kind.", []string{"service", "kind"}, nil)
	descLock     = prometheus.NewDesc("supd_lock_since_seconds", "When a maintenance lock was taken, in seconds since the epoch.", []string{"id", "target", "owner"}, nil)
	descOverdue  = prometheus.NewDesc("supd_lock_overdue", "Whether a maintenance lock is past its expected end. It holds all the same.", []string{"id", "target", "owner"}, nil)
	descReady    = prometheus.NewDesc("supd_lock_ready", "Whether nothing is missing any more before work under the lock may begin. It holds either way.", []string{"id", "target", "owner"}, nil)
	descStrays   = prometheus.NewDesc("supd_started_under_lock", "Processes that run now by another hand although their service is meant to be down.", []string{"service"}, nil)
	descBadLocks = prometheus.NewDesc("supd_lock_files_unreadable", "Lock files that cannot be read; what they may cover counts as locked.", nil, nil)
	descCheck    = prometheus.NewDesc("supd_check_ok", "1 passes, 0 fails; unknown checks have no sample.", []string{"service", "check"}, nil)
	descProblems = prometheus.NewDesc("supd_problems", "Problems of supd itself, as status lists them.", nil, nil)
	descConfigOK = prometheus.NewDesc("supd_config_last_reload_successful", "Whether the config on disk was good when it was last read.", nil, nil)
)

func newMetrics(s *Supervisor) *metrics {
	m := &metrics{
		s: s, registry: prometheus.NewRegistry(),
		suppressedTotal: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supd_actions_suppressed_total", Help: "Actions that the gate refused because of a lock or another hold.",
		}, []string{"service", "verb"}),
		crashes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supd_service_crashes_total", Help: "Ends of a service that nobody asked for.",
		}, []string{"service"}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supd_config_reloads_total", Help: "Config reloads by result.",
		}, []string{"result"}),
		watchdogs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supd_service_watchdog_total", Help: "Missed watchdogs, also those under a lock, where nothing follows.",
		}, []string{"service"}),
		notifyIgnored: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "supd_notify_ignored_total", Help: "Notifications (sd_notify) to a service's socket that did not count, by reason.",
		}, []string{"service", "reason"}),
	}
	m.reminded = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "supd_lock_overdue_reminders_total", Help: "Reminders of locks past their expected end.",
	}, []string{"target"})
	m.startedUnderLock = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "supd_started_under_lock_total", Help: "Processes that came up by another hand while their service was meant to be down.",
	}, []string{"service"})
	m.registry.MustRegister(m, m.startedUnderLock, m.suppressedTotal, m.crashes, m.reloads, m.reminded, m.watchdogs, m.notifyIgnored)
	return m
}

func (m *metrics) suppressed(service, verb string) {
	m.suppressedTotal.WithLabelValues(service, verb).Inc()
}

func (m *metrics) reloaded(ok bool) {
	result := "failed"
	if ok {
		result = "ok"
	}
	m.reloads.WithLabelValues(result).Inc()
}

// event counts what has a counter.
func (m *metrics) event(e core.Emit) {
	switch e.Type {
	case core.EvCrashed:
		m.crashes.WithLabelValues(e.Service).Inc()
	case core.EvWatchdog:
		m.watchdogs.WithLabelValues(e.Service).Inc()
	}
}

// Describe is for prometheus.Collector; the gauges vary with the services, so none are described beforehand.
func (m *metrics) Describe(ch chan<- *prometheus.Desc) { ch <- descUp }

// Collect reads the state once per scrape.
func (m *metrics) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWait)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(descInfo, 1, orElse(m.s.opts.Version, "unknown"))
	st, err := m.s.Status(ctx, api.Peer{}, nil)
	if err != nil {
		gauge(descUp, 0)
		return
	}
	gauge(descUp, 1)
	gauge(descProblems, float64(len(st.Problems)))
	m.s.planMu.RLock()
	gauge(descConfigOK, boolean(len(m.s.mistakes) == 0))
	m.s.planMu.RUnlock()
	for _, v := range st.Services {
		m.service(gauge, v)
		ch <- prometheus.MustNewConstMetric(descRestarts, prometheus.CounterValue, float64(v.Restarts), v.Name)
		if v.Job != nil {
			m.job(gauge, v.Name, v.Job)
			ch <- prometheus.MustNewConstMetric(descJobSkip, prometheus.CounterValue, float64(v.Job.Skipped), v.Name)
		}
	}
	listed := m.s.dir.Locks()
	for _, l := range listed.Locks {
		owner := l.Owner.Name
		gauge(descLock, float64(l.TakenAt.Unix()), l.ID, l.Target.String(), owner)
		gauge(descReady, boolean(len(m.s.missingNow(l)) == 0), l.ID, l.Target.String(), owner)
		gauge(descOverdue, boolean(l.Overdue(time.Now())), l.ID, l.Target.String(), owner)
	}
	gauge(descBadLocks, float64(len(listed.Unreadable)))
	for _, c := range m.s.checks.list(nil) {
		if c.State != "unknown" {
			gauge(descCheck, boolean(c.State == "ok"), c.Service, c.Name)
		}
	}
}

func (m *metrics) service(gauge func(*prometheus.Desc, float64, ...string), v api.ServiceStatus) {
	gauge(descSvcUp, boolean(v.State == core.Up.String()), v.Name)
	gauge(descWant, boolean(v.Want == "up"), v.Name)
	gauge(descStrays, float64(len(v.StartedUnderLock)), v.Name)
	gauge(descState, 1, v.Name, v.State)
	kinds := map[string]int{}
	for _, k := range [...]core.HoldKind{core.HoldLock, core.HoldOperatorStop, core.HoldInterlock, core.HoldRestartLimit, core.HoldUnreadable} {
		kinds[string(k)] = 0
	}
	for _, h := range v.Holds {
		kinds[h.Kind]++
	}
	for k, n := range kinds {
		gauge(descHold, float64(n), v.Name, k)
	}
}

// job gives what is known of a job's runs; a figure that is not known has no sample.
func (m *metrics) job(gauge func(*prometheus.Desc, float64, ...string), name string, j *api.JobStatus) {
	if j.LastSuccess != nil {
		gauge(descJobLast, float64(j.LastSuccess.Unix()), name)
	}
	if j.LastEnd != nil {
		gauge(descJobTook, j.LastDurationS, name)
	}
	if j.NextRun != nil {
		gauge(descJobNext, float64(j.NextRun.Unix()), name)
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Metrics serves the Prometheus text.
func (s *Supervisor) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{MaxRequestsInFlight: scrapesMax})
}

// scrapesMax bounds scrapes at one time: more than one Prometheus and a curious person is a mistake.
const scrapesMax = 4

// Healthy is nil while the loop answers.
func (s *Supervisor) Healthy() error {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeWait)
	defer cancel()
	if !s.ask(ctx, func(*core.State) {}) {
		return api.Errorf(api.CodeFailed, "the event loop does not answer within %v", scrapeWait)
	}
	return nil
}

// Ready is nil once every service has been looked at.
func (s *Supervisor) Ready() error {
	select {
	case <-s.ready:
		return nil
	default:
		return api.Errorf(api.CodeFailed, "services are still being looked at")
	}
}
