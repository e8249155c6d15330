// SPDX-License-Identifier: Apache-2.0
package io.eslm.report;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Says what a failed access to a file means. */
public final class Disk {
    private Disk() {
    }

    /** "cannot write FILE: permission denied", and what to do. */
    public static UserError failed(String verb, Path path, IOException e) {
        String why = switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case NoSuchFileException _ -> "no such file or folder";
            case FileAlreadyExistsException x -> x.getFile() + " is a file, not a folder";
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
        return new UserError("cannot " + verb + " " + path + ": " + why + (verb.equals("read") ? ""
                : ". Check its permissions and the free space, or choose another place"), e);
    }

    /** Makes a folder and those above it. */
    public static Path folder(Path dir) {
        try {
            return Files.createDirectories(dir);
        } catch (IOException e) {
            throw failed("make the folder", dir, e);
        }
    }
}
