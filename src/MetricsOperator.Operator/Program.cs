// Replaced by the real composition root in the next commits of this series.
return 0;
