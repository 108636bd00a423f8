package configs

// Notifies says whether the service is given a socket for sd_notify.
func (s *Service) Notifies() bool {
	return s.Ready.Mode == ReadyNotify || s.Watchdog > 0 || s.OnReload.Notify
}
