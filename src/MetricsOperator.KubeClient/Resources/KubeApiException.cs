using System.Net;
using MetricsOperator.KubeClient.Models;

namespace MetricsOperator.KubeClient.Resources;

/// <summary>The API server answered, and the answer is a failure. Transport failures are <see cref="HttpRequestException"/>, <see cref="IOException"/> or <see cref="TimeoutException"/>.</summary>
public sealed class KubeApiException : Exception
{
    /// <param name="request">Verb and path, for the message.</param>
    /// <param name="status">What the server said; made up from the HTTP status when the body was no Status.</param>
    public KubeApiException(string request, V1Status status)
        : base($"cannot {request}: got {status.Code} {status.Reason}: {status.Message}")
        => Status = status;

    public V1Status Status { get; }

    /// <summary>HTTP status code.</summary>
    public HttpStatusCode StatusCode => (HttpStatusCode)(Status.Code ?? 0);

    /// <summary>404: the object, or the kind itself, does not exist.</summary>
    public bool IsNotFound => StatusCode == HttpStatusCode.NotFound;

    /// <summary>409 because of a stale resourceVersion or an apply conflict; also <see cref="IsAlreadyExists"/>.</summary>
    public bool IsConflict => StatusCode == HttpStatusCode.Conflict;

    /// <summary>409 on create.</summary>
    public bool IsAlreadyExists => IsConflict && Status.Reason == "AlreadyExists";

    /// <summary>410: the resourceVersion or continue token is too old; list again.</summary>
    public bool IsGone => StatusCode == HttpStatusCode.Gone;

    public bool IsForbidden => StatusCode == HttpStatusCode.Forbidden;

    public bool IsUnauthorized => StatusCode == HttpStatusCode.Unauthorized;

    /// <summary>422: validation refused the object; <see cref="V1StatusDetails.Causes"/> has the fields.</summary>
    public bool IsInvalid => StatusCode == HttpStatusCode.UnprocessableEntity;

    /// <summary>429, also when a disruption budget refuses an eviction.</summary>
    public bool IsTooManyRequests => StatusCode == HttpStatusCode.TooManyRequests;
}
