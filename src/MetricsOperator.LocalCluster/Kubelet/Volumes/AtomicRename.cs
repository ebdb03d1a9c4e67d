using System.ComponentModel;
using System.Runtime.InteropServices;

namespace MetricsOperator.LocalCluster.Kubelet.Volumes;

/// <summary>rename(2) itself: .NET's moves refuse a symbolic link that points to a directory.</summary>
internal static class AtomicRename
{
    /// <summary>Gives <paramref name="from"/> the name <paramref name="to"/>, replacing what is there in one step. Throws <see cref="IOException"/>.</summary>
    public static void Replace(string from, string to)
    {
        if (RenameSystemCall(from, to) != 0)
        {
            throw new IOException($"cannot rename {from} to {to}: {new Win32Exception(Marshal.GetLastPInvokeError()).Message}");
        }
    }

    [DllImport("libc", EntryPoint = "rename", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int RenameSystemCall([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);
}
