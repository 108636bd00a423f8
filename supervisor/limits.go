package supervisor

import (
	"github.com/supd/supd/configs"
	"github.com/supd/supd/internal/proc"
)

// rlimits are a service's limits of its processes, for hands.
func rlimits(conf *configs.Service) []proc.Rlimit {
	var out []proc.Rlimit
	for _, l := range conf.Limits.Processes() {
		out = append(out, proc.Rlimit{Key: l.Key, Resource: l.Resource, Soft: l.Soft, Hard: l.Hard, Fixed: l.Fixed()})
	}
	return out
}

// cgroupLimits are a service's limits of all its processes together; nil if none was ever asked for.
func cgroupLimits(conf *configs.Service) []proc.CgroupLimit {
	var out []proc.CgroupLimit
	for _, l := range conf.Limits.Cgroup() {
		out = append(out, proc.CgroupLimit{Key: l.Key, Controller: l.Controller, File: l.File, Value: l.Value})
	}
	return out
}

// said leaves out what is not limited: a new instance has no limit to take back.
func said(limits []proc.CgroupLimit) []proc.CgroupLimit {
	var out []proc.CgroupLimit
	for _, l := range limits {
		if l.Value != "" {
			out = append(out, l)
		}
	}
	return out
}
