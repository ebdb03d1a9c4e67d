// Real processes with real memory limits on two cores: one world at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
