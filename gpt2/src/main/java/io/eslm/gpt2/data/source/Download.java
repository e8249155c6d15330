// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.data.source;

import io.eslm.tensor.UserError;
import io.eslm.tensor.io.FileErrors;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;

/**
 * Copies what is at an address to a file. A copy that was interrupted goes on where it was, if the server says that the file is
 * still the same. Redirections are followed, but not from https to http.
 */
public final class Download {
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final URI address;
    private final Path target;
    private final Path partial;
    private final Path tag;
    private final Duration patience;

    /** Receives bytes done, and bytes in all; 0 if the server does not say. */
    @FunctionalInterface
    public interface Bytes {
        void report(long done, long total);
    }

    Download(URI address, Path target, Duration patience) {
        this.address = address;
        this.target = target;
        this.partial = target.resolveSibling(target.getFileName() + ".part");
        this.tag = target.resolveSibling(target.getFileName() + ".tag");
        this.patience = patience;
    }

    /**
     * Copies to {@code target}, which is there only when it is whole.
     *
     * @throws UserError if that fails; the message says why
     */
    public static void to(URI address, Path target, Bytes progress) {
        new Download(address, target, PATIENCE).run(progress);
    }

    void run(Bytes progress) {
        if (address.getHost() == null) {
            throw new UserError(address + " is no address: it has no host");
        }
        try (HttpClient client = HttpClient.newBuilder().connectTimeout(patience)
                .followRedirects(HttpClient.Redirect.NORMAL).build()) {
            Files.createDirectories(target.toAbsolutePath().getParent());
            Path alone = target.resolveSibling(target.getFileName() + ".lock");
            try (FileChannel channel = FileChannel.open(alone, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock _ = channel.lock()) {
                if (Files.exists(target)) { // another program has fetched it meanwhile
                    Files.deleteIfExists(alone);
                    return;
                }
                HttpResponse<InputStream> response = client.send(request(), BodyHandlers.ofInputStream());
                try (InputStream body = response.body()) {
                    copy(response, body, progress);
                }
                Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE);
                Files.deleteIfExists(tag);
                Files.deleteIfExists(alone); // whoever waits for it finds the copy
            }
        } catch (OverlappingFileLockException e) {
            throw new UserError(address + " is being downloaded by this program already. Wait for it.", e);
        } catch (IllegalArgumentException e) {
            throw new UserError(address + " is no address: " + e.getMessage(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UserError("the download of " + address + " was interrupted. Start again to go on with it.", e);
        } catch (IOException e) {
            throw new UserError("cannot download " + address + ": " + FileErrors.reason(e)
                    + ". Start again to go on with it, or download it yourself and name the file.", e);
        }
    }

    private HttpRequest request() throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(address).timeout(patience);
        long have = Files.exists(partial) ? Files.size(partial) : 0;
        if (have > 0 && Files.exists(tag)) {
            request.header("Range", "bytes=" + have + "-").header("If-Range", Files.readString(tag));
        }
        return request.build();
    }

    private void copy(HttpResponse<InputStream> response, InputStream body, Bytes progress) throws IOException {
        int status = response.statusCode();
        boolean goesOn = status == 206;
        if (status == 416) {
            Files.deleteIfExists(tag); // so that the next request asks for all of it
            throw new IOException("the server does not have the rest of the part that is here");
        }
        if (!goesOn && status != 200) {
            throw new UserError("cannot download " + address + ": the server answers " + status + words(status)
                    + ". Check the address.");
        }
        String type = response.headers().firstValue("Content-Type").orElse("");
        if (type.startsWith("text/html") && !address.getPath().matches("(?i).*\\.html?")) {
            throw new UserError("cannot download " + address
                    + ": the server answers with a web page, not with a file. Take the address of the file itself.");
        }
        long before = goesOn ? Files.size(partial) : 0;
        if (goesOn && !response.headers().firstValue("Content-Range").orElse("").startsWith("bytes " + before + "-")) {
            throw new IOException("the server sends another part than the one after byte " + before);
        }
        long length = response.headers().firstValueAsLong("Content-Length").orElse(-1);
        String validator = response.headers().firstValue("ETag").filter(etag -> !etag.startsWith("W/"))
                .or(() -> response.headers().firstValue("Last-Modified")).orElse(null);
        Files.deleteIfExists(tag);
        if (validator != null) {
            Files.writeString(tag, validator);
        }
        long total = length < 0 ? 0 : before + length;
        long done;
        try (OutputStream out = Files.newOutputStream(partial, StandardOpenOption.CREATE,
                goesOn ? StandardOpenOption.APPEND : StandardOpenOption.TRUNCATE_EXISTING,
                StandardOpenOption.WRITE)) {
            done = before + copy(body, out, n -> progress.report(before + n, total));
        }
        if (total > 0 && (done != total || Files.size(partial) != total)) {
            throw new IOException("it ends after " + done + " of " + total + " bytes");
        }
    }

    private long copy(InputStream body, OutputStream out, LongConsumer progress) throws IOException {
        Watch watch = new Watch(body);
        byte[] buffer = new byte[1 << 16];
        long done = 0;
        try (watch) {
            for (int n = body.read(buffer); n >= 0; n = body.read(buffer)) {
                watch.last.set(System.nanoTime());
                out.write(buffer, 0, n);
                done += n;
                progress.accept(done);
            }
        } catch (IOException e) {
            watch.check();
            throw e;
        }
        watch.check();
        return done;
    }

    private static String words(int status) {
        return switch (status) {
            case 401, 403 -> " (not allowed)";
            case 404, 410 -> " (there is no such file)";
            case 429 -> " (too many requests)";
            default -> status >= 500 ? " (it fails)" : "";
        };
    }

    /** Closes a body from which nothing comes for long. */
    private final class Watch implements AutoCloseable {
        final AtomicLong last = new AtomicLong(System.nanoTime());
        private final Thread thread;
        private volatile boolean expired;

        Watch(InputStream body) {
            thread = Thread.ofVirtual().start(() -> {
                try {
                    while (true) {
                        long left = patience.toNanos() - (System.nanoTime() - last.get());
                        if (left <= 0) {
                            expired = true;
                            body.close();
                            return;
                        }
                        Thread.sleep(Duration.ofNanos(left));
                    }
                } catch (InterruptedException | IOException _) {
                    // it is over
                }
            });
        }

        void check() throws IOException {
            if (expired) {
                throw new IOException("nothing came for " + patience.toSeconds() + " seconds");
            }
        }

        @Override
        public void close() {
            thread.interrupt();
        }
    }
}
