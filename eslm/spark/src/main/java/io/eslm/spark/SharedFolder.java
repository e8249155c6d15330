// SPDX-License-Identifier: Apache-2.0
package io.eslm.spark;

import io.eslm.gpt2.option.Option;
import io.eslm.gpt2.option.OptionError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.Serializable;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** A folder that all hosts must see: the driver leaves a file beside it, and tasks look for that. */
public final class SharedFolder implements AutoCloseable, Serializable {
    private static final long serialVersionUID = 1;
    private final String folder;
    private final String marker;

    private SharedFolder(Path folder, Path marker) {
        this.folder = folder.toString();
        this.marker = marker.toString();
    }

    /**
     * On the driver.
     *
     * @throws OptionError of {@code option} if the driver cannot write there
     */
    static SharedFolder mark(Option<Path> option, Path folder) {
        Path parent = folder.toAbsolutePath().getParent();
        try {
            Files.createDirectories(parent);
            return new SharedFolder(folder.toAbsolutePath(), Files.createTempFile(parent, ".eslm-spark-", ""));
        } catch (IOException e) {
            throw new OptionError(option, folder, "cannot write in " + parent + ": " + FileErrors.reason(e));
        }
    }

    /** In a task: what is wrong, if this host does not see what the driver sees. */
    Optional<String> fault() {
        return Files.exists(Path.of(marker)) ? Optional.empty()
                : Optional.of(folder + ": " + host()
                        + " does not see this folder as the driver does. Name one that all hosts "
                        + "share, on NFS or another file system of the cluster");
    }

    /** The name of this host. */
    public static String host() {
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (IOException _) {
            return "an executor's host";
        }
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(Path.of(marker));
        } catch (IOException _) {
            // an empty file stays
        }
    }
}
