using System.Text.Json;
using MetricsOperator.KubeClient.Auth;
using MetricsOperator.KubeClient.Diagnostics;
using MetricsOperator.KubeClient.Models;
using MetricsOperator.KubeClient.Resources;
using Microsoft.Extensions.Logging;

namespace MetricsOperator.KubeClient.LeaderElection;

/// <summary>
/// Makes this process the one active replica. The leader's token is cancelled <see cref="LeaseElectorOptions.RenewDeadline"/> after the start of its last
/// successful renewal; others take over only <see cref="LeaseElectorOptions.LeaseDuration"/> after they last saw a renewal, which is later. Only
/// elapsed time of each process' own clock counts, never the wall clocks' agreement. A process that was frozen can find its token cancelled late:
/// <see cref="HoldsLease"/> looks at the clock, and is what <see cref="KubeRestClientOptions.MayWrite"/> of the leader's own client is for.
/// </summary>
public sealed class LeaseElector
{
    private readonly KubeRestClient _client;
    private readonly LeaseElectorOptions _options;
    private string? _seenRecord;
    private long _seenAt;
    private long _renewedAt;
    private volatile bool _leading;
    private volatile string? _leader;

    /// <param name="client">Used for the lease only; must not be fenced by this elector.</param>
    /// <param name="options">Times must satisfy RetryPeriod &lt; RenewDeadline &lt; LeaseDuration.</param>
    /// <exception cref="ArgumentException">They do not.</exception>
    public LeaseElector(KubeRestClient client, LeaseElectorOptions options)
    {
        if (options.RetryPeriod <= TimeSpan.Zero || options.RenewDeadline <= options.RetryPeriod || options.LeaseDuration <= options.RenewDeadline)
        {
            throw new ArgumentException($"cannot elect: got retry {options.RetryPeriod}, renew {options.RenewDeadline}, lease {options.LeaseDuration}, want retry < renew < lease", nameof(options));
        }

        _client = client;
        _options = options;
    }

    /// <summary>True while nobody else can hold the lease, by this process' clock at this moment.</summary>
    public bool HoldsLease => _leading && _options.Time.GetElapsedTime(Volatile.Read(ref _renewedAt)) < _options.RenewDeadline;

    /// <summary>Identity of the last seen holder; null when unknown or released.</summary>
    public string? Leader => _leader;

    /// <summary>
    /// Waits for the lease, runs <paramref name="lead"/> with a token that ends with the lease, and returns when lead has ended: after a loss, after
    /// cancellation, or by itself. The caller decides what a return without cancellation means; for an operator it is the end of the process.
    /// </summary>
    public async Task RunAsync(Func<CancellationToken, Task> lead, CancellationToken cancellation)
    {
        await AcquireAsync(cancellation).ConfigureAwait(false);
        var tag = new KeyValuePair<string, object?>("name", _options.LeaseName);
        KubeClientMeter.LeaderStatus.Add(1, tag);
        _options.Logger.LogInformation("{Identity} leads {Lease}", _options.Identity, _options.LeaseName);

        // The source belongs to the lease: it fires by itself at the deadline even when a renewal call hangs.
        using var lease = new CancellationTokenSource(Remaining(), _options.Time);
        using var leading = CancellationTokenSource.CreateLinkedTokenSource(lease.Token, cancellation);
        try
        {
            await LeadAsync(lead, lease, leading).ConfigureAwait(false);
        }
        finally
        {
            _leading = false;
            KubeClientMeter.LeaderStatus.Add(-1, tag);
            if (lease.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                _options.Logger.LogError("{Identity} lost {Lease}: no renewal within {Deadline}", _options.Identity, _options.LeaseName, _options.RenewDeadline);
            }
            else if (_options.ReleaseOnStop)
            {
                await ReleaseAsync().ConfigureAwait(false);
            }
        }
    }

    private async Task LeadAsync(Func<CancellationToken, Task> lead, CancellationTokenSource lease, CancellationTokenSource leading)
    {
        var work = lead(leading.Token);
        var renewal = RenewAsync(work, lease, leading.Token);
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (leading.IsCancellationRequested)
        {
            // The lease or the process ends; the work has followed.
        }
        finally
        {
            await leading.CancelAsync().ConfigureAwait(false);
            await renewal.ConfigureAwait(false);
        }
    }

    private async Task AcquireAsync(CancellationToken cancellation)
    {
        // A lease whose taking took longer than the deadline is no good any more: it is renewed before it is used.
        while (!await TryAsync(cancellation).ConfigureAwait(false) || Remaining() <= TimeSpan.Zero)
        {
            await Task.Delay(_options.RetryPeriod * (1 + (0.2 * Random.Shared.NextDouble())), _options.Time, cancellation).ConfigureAwait(false);
        }

        _leading = true;
    }

    private async Task RenewAsync(Task work, CancellationTokenSource lease, CancellationToken leading)
    {
        try
        {
            while (!work.IsCompleted)
            {
                await Task.Delay(_options.RetryPeriod, _options.Time, leading).ConfigureAwait(false);
                if (await TryAsync(leading).ConfigureAwait(false))
                {
                    var remaining = Remaining();
                    if (remaining > TimeSpan.Zero)
                    {
                        lease.CancelAfter(remaining);
                    }
                }
                else if (_leader is not null && _leader != _options.Identity)
                {
                    // Somebody else holds it: no reason to use up the rest of the time.
                    await lease.CancelAsync().ConfigureAwait(false);
                }
            }
        }
        catch (OperationCanceledException) when (leading.IsCancellationRequested)
        {
            // Leading has ended.
        }
    }

    private TimeSpan Remaining() => _options.RenewDeadline - _options.Time.GetElapsedTime(Volatile.Read(ref _renewedAt));

    /// <summary>Takes or renews the lease; false when somebody else has it or the API server cannot be reached.</summary>
    private async Task<bool> TryAsync(CancellationToken cancellation)
    {
        var start = _options.Time.GetTimestamp();
        try
        {
            var lease = await _client.FindAsync(ResourceKinds.Leases, _options.Namespace, _options.LeaseName, cancellation).ConfigureAwait(false);
            if (lease is null)
            {
                lease = await _client.CreateAsync(ResourceKinds.Leases, Record(null), null, cancellation).ConfigureAwait(false);
            }
            else
            {
                Observe(lease);
                if (!MayTake(lease))
                {
                    return false;
                }

                lease = await _client.ReplaceAsync(ResourceKinds.Leases, Record(lease), null, cancellation).ConfigureAwait(false);
            }

            Observe(lease);
            Volatile.Write(ref _renewedAt, start);
            return true;
        }
        catch (KubeApiException e) when (e.IsConflict)
        {
            // Another candidate was faster; the next look shows who.
            return false;
        }
        catch (Exception e) when (e is KubeApiException or HttpRequestException or IOException or TimeoutException or JsonException or KubeConfigException)
        {
            _options.Logger.LogWarning("{Identity} cannot take or renew {Lease}: {Error}", _options.Identity, _options.LeaseName, e.Message);
            return false;
        }
    }

    private void Observe(V1Lease lease)
    {
        _leader = lease.Spec?.HolderIdentity is { Length: > 0 } holder ? holder : null;
        var record = $"{lease.Metadata.Uid}/{lease.Metadata.ResourceVersion}";
        if (record != _seenRecord)
        {
            _seenRecord = record;
            _seenAt = _options.Time.GetTimestamp();
        }
    }

    private bool MayTake(V1Lease lease)
    {
        if (_leader is null || _leader == _options.Identity)
        {
            return true;
        }

        // The holder's own promise counts when it is longer than ours.
        var promised = TimeSpan.FromSeconds(lease.Spec?.LeaseDurationSeconds ?? 0);
        var patience = promised > _options.LeaseDuration ? promised : _options.LeaseDuration;
        return _options.Time.GetElapsedTime(_seenAt) >= patience;
    }

    private V1Lease Record(V1Lease? before)
    {
        var now = _options.Time.GetUtcNow();
        var same = before?.Spec?.HolderIdentity == _options.Identity;
        return new V1Lease
        {
            Metadata = before?.Metadata ?? new V1ObjectMeta { Name = _options.LeaseName, Namespace = _options.Namespace },
            Spec = new V1LeaseSpec
            {
                HolderIdentity = _options.Identity,
                LeaseDurationSeconds = (int)Math.Ceiling(_options.LeaseDuration.TotalSeconds),
                AcquireTime = same ? before!.Spec!.AcquireTime : now,
                RenewTime = now,
                LeaseTransitions = (before?.Spec?.LeaseTransitions ?? 0) + (same || before is null ? 0 : 1),
            },
        };
    }

    private async Task ReleaseAsync()
    {
        using var limit = new CancellationTokenSource(_options.RetryPeriod, _options.Time);
        try
        {
            var lease = await _client.FindAsync(ResourceKinds.Leases, _options.Namespace, _options.LeaseName, limit.Token).ConfigureAwait(false);
            if (lease?.Spec?.HolderIdentity != _options.Identity)
            {
                return;
            }

            var released = lease with
            {
                Spec = lease.Spec with { HolderIdentity = "", LeaseDurationSeconds = 1, RenewTime = _options.Time.GetUtcNow() },
            };
            await _client.ReplaceAsync(ResourceKinds.Leases, released, null, limit.Token).ConfigureAwait(false);
            _options.Logger.LogInformation("{Identity} released {Lease}", _options.Identity, _options.LeaseName);
        }
        catch (Exception e) when (e is KubeApiException or HttpRequestException or IOException or TimeoutException or JsonException or OperationCanceledException)
        {
            // The next leader waits for the lease to run out; nothing else is lost.
            _options.Logger.LogInformation("{Identity} could not release {Lease}: {Error}", _options.Identity, _options.LeaseName, e.Message);
        }
    }
}
