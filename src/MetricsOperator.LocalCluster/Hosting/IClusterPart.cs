namespace MetricsOperator.LocalCluster.Hosting;

/// <summary>A long-running part of the cluster: started in order once the API answers, disposed in reverse order before the API stops.</summary>
public interface IClusterPart : IAsyncDisposable
{
    /// <summary>Starts the part's loops and returns when it is working.</summary>
    Task StartAsync(CancellationToken stop);
}
