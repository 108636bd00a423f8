package configs

// Directories are where a service's data is: its paths, and the directory that it runs in unless that is the root.
func (s *Service) Directories() []string {
	dirs := append([]string{}, s.Paths...)
	if s.Dir != "" && s.Dir != "/" {
		dirs = append(dirs, s.Dir)
	}
	return dirs
}
