namespace MetricsOperator.Tsdb.Tests.Faults;

/// <content>Deaths, the starts after them, and what must be true then.</content>
internal sealed partial class CrashRun
{
    // Every other time the opening itself is interrupted, up to three times.
    private void OpenAgain(bool losePower)
    {
        // Two deaths in the replay make the next start replay the log in parts, which does far more with files.
        var isInParts = _faults.Next(4) == 0;
        for (var death = 0; isInParts && death < 2; death++)
        {
            DieInReplay();
        }

        for (var attempt = 0; attempt < 3 && _faults.Next(2) == 0; attempt++)
        {
            _files = NewProcess();
            _files.Kind = losePower ? FaultKind.PowerLoss : _faults.Next(2) == 0 ? FaultKind.Kill : FaultKind.ShortWrite;
            _files.At = _faults.Next(2) == 0 ? _faults.Next(1, 15) : _faults.Next(15, isInParts ? 600 : 150);
            try
            {
                _db = TimeSeriesDb.Open(Options(), null, CancellationToken.None);
            }
            catch (KilledException)
            {
                // Met while opening; otherwise the process ends right after.
            }

            End(losePower && _faults.Next(2) == 0);
        }

        _files = NewProcess();
        _db = TimeSeriesDb.Open(Options(), null, CancellationToken.None);
    }

    private void DieInReplay()
    {
        _files = NewProcess();
        try
        {
            _db = TimeSeriesDb.Open(Options(), DieBehindBlocks, CancellationToken.None);
        }
        catch (KilledException)
        {
            // As it should be.
        }

        End(losePower: false);
    }

    private void DieBehindBlocks(ReplayProgress progress)
    {
        if (progress.Phase != "blocks")
        {
            _files.Die();
            throw new KilledException();
        }
    }

    private void GoOn()
    {
        for (var step = 0; step < 9; step++)
        {
            Step();
            if (step % 3 == 2)
            {
                Maintain();
            }
        }

        Check();
        Db.Dispose();
        _files.Die();
        _files = NewProcess();
        _db = TimeSeriesDb.Open(Options(), null, CancellationToken.None);
        Check();
        NothingIsLeftOver();
        InBounds("wal", 40);
        InBounds("wbl", 20);
        InBounds("chunks_head", 10);
        Assert.InRange(_db.Blocks.Count, 0, 12);
    }

    private void NothingIsLeftOver()
    {
        foreach (var path in Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories))
        {
            var name = System.IO.Path.GetFileName(path);
            if (name.Contains(".tmp", StringComparison.Ordinal) || name.EndsWith(".repair", StringComparison.Ordinal) || name == "quarantine")
            {
                throw new InvalidOperationException($"{System.IO.Path.GetRelativePath(_folder.Path, path)} was left over");
            }
        }
    }

    // The process ends without a word; objects of it that are still there must not reach the disk.
    private void End(bool losePower)
    {
        _files.Die();
        try
        {
            _db?.Dispose();
        }
        catch (KilledException)
        {
            // As it should be: the dead write nothing.
        }

        _db = null;
        if (losePower)
        {
            _ledger.PowerLost();
            _disk.LosePower(_faults);
        }
    }
}
