// SPDX-License-Identifier: Apache-2.0
package io.eslm.tensor.io;

import io.eslm.tensor.UserError;
import java.io.EOFException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;

/** Says in the user's words why a file or folder could not be read or written. */
public final class FileErrors {
    private static final String MISSING = "no such file or folder";

    private FileErrors() {
    }

    /**
     * For example "cannot read runs/a/config.json: permission denied. Check its permissions".
     *
     * @param doing what was tried, to follow "cannot": "read", "write", "create the folder"
     * @param path what it was tried on
     */
    public static UserError failed(String doing, Path path, IOException e) {
        return failed(doing, path, e, "");
    }

    /** @param consequence a sentence without its full stop, put before the advice: "What was there before is unchanged" */
    public static UserError failed(String doing, Path path, IOException e, String consequence) {
        Path folder = path.toAbsolutePath().getParent();
        boolean inside = e instanceof NoSuchFileException && folder != null && Files.notExists(folder);
        String reason = inside ? "there is no folder " + folder : reason(e);
        String advice = switch (reason) {
            case MISSING -> DidYouMean.file(path);
            case "permission denied" -> ". Check its permissions";
            case "the disk is full" -> ". Free some space, or choose another place";
            case "the file system is read-only" -> ". Choose another place";
            default -> "";
        };
        return new UserError("cannot " + doing + " " + path + ": " + reason
                + (consequence.isEmpty() ? "" : ". " + consequence) + advice, e);
    }

    /** Why, in a few words: "permission denied". */
    public static String reason(IOException e) {
        return switch (e) {
            case AccessDeniedException _ -> "permission denied";
            case NoSuchFileException _ -> MISSING;
            case NotDirectoryException _ -> "it is a file, not a folder";
            case DirectoryNotEmptyException _ -> "the folder is not empty";
            case FileAlreadyExistsException there -> there.getFile()
                    + (Files.isDirectory(Path.of(there.getFile())) ? " exists already" : " is a file, not a folder");
            case CharacterCodingException _ -> "it is not text in UTF-8";
            case EOFException _ -> "it ends too early";
            case FileSystemException other when other.getReason() != null -> plain(other.getReason());
            default -> e.getMessage() == null ? e.getClass().getSimpleName() : plain(e.getMessage());
        };
    }

    /** What an operating system says, in words that need no manual. */
    private static String plain(String reason) {
        return switch (reason) {
            case "No space left on device", "Disk quota exceeded", "There is not enough space on the disk" ->
                    "the disk is full";
            case "Is a directory" -> "it is a folder";
            case "Not a directory" -> "a part of its path is a file, not a folder";
            case "Read-only file system" -> "the file system is read-only";
            case "File name too long" -> "its name is too long";
            default -> reason;
        };
    }
}
