package core

type index struct{}
