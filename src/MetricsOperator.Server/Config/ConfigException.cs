namespace MetricsOperator.Server.Config;

/// <summary>A configuration file is refused. The message reads <c>file:line:column: path: what is wrong</c>.</summary>
public sealed class ConfigException(string message, Exception? inner = null) : Exception(message, inner);
