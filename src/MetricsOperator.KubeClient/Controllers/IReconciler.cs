namespace MetricsOperator.KubeClient.Controllers;

/// <summary>Brings the world to what the key's object asks for, from the full current state. It gets no event, is called again after any change, and never sleeps: waiting is <see cref="ReconcileResult.After"/>.</summary>
public interface IReconciler<TKey>
    where TKey : notnull
{
    /// <summary>Never called twice at the same time for one key. An exception counts as failed and is retried with back-off.</summary>
    ValueTask<ReconcileResult> ReconcileAsync(TKey key, CancellationToken cancellation);
}
