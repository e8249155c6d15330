// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.UserError;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Turns an {@link IOException} into a message for the user. */
public final class FileErrors {
    private FileErrors() {
    }

    /** "cannot read FILE: permission denied"; after any other verb than "read" also what to check. */
    public static UserError failed(String verb, Path path, IOException e) {
        String why = switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case NoSuchFileException _ -> "no such file or folder";
            case FileAlreadyExistsException x -> x.getFile() + " is a file, not a folder";
            case FileSystemException x when x.getReason() != null -> x.getReason();
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        };
        return new UserError("cannot " + verb + " " + path + ": " + why + (verb.equals("read") ? ""
                : ". Check the folder, its permissions, and the free space"), e);
    }
}
