// SPDX-License-Identifier: Apache-2.0
package io.eslm.gpt2.collective;

import io.eslm.tensor.UserError;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Collections;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManagerFactory;

/** TLS 1.3 of one connection that does not block. Each side shows a certificate, and trusts those of the job's file alone. */
public final class Tls {
    private static final String PROTOCOL = "TLSv1.3";
    /** Of 16 KB each, in {@link #out} at the same time. */
    private static final int RECORDS = 4;
    private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

    private final SSLEngine engine;
    /** Encrypted, and ready to be read. */
    private final ByteBuffer in;
    private final ByteBuffer out;
    /** Decrypted, and ready to be read. */
    private final ByteBuffer plain;

    Tls(SSLContext context, boolean caller) throws IOException {
        engine = context.createSSLEngine();
        engine.setUseClientMode(caller);
        engine.setEnabledProtocols(new String[] {PROTOCOL});
        if (!caller) {
            engine.setNeedClientAuth(true);
        }
        int record = engine.getSession().getPacketBufferSize();
        in = ByteBuffer.allocateDirect(RECORDS * record).flip();
        out = ByteBuffer.allocateDirect(RECORDS * record).flip();
        plain = ByteBuffer.allocate(engine.getSession().getApplicationBufferSize()).flip();
        engine.beginHandshake();
    }

    /**
     * The key and the certificates of a job.
     *
     * @param store PKCS#12, with one key, and the certificates of all ranks if they have several
     * @throws UserError if the file cannot be read with {@code password}, or holds no key
     */
    public static SSLContext context(Path store, char[] password) {
        try (InputStream file = Files.newInputStream(store)) {
            KeyStore keys = KeyStore.getInstance("PKCS12");
            keys.load(file, password);
            boolean any = false;
            for (String alias : Collections.list(keys.aliases())) {
                any |= keys.isKeyEntry(alias);
            }
            UserError.check(any,
                    "%s: has certificates, but no key. Give the file that keytool -genkeypair has made (docs/scale.md)",
                    store);
            KeyManagerFactory own = KeyManagerFactory.getInstance("PKIX");
            own.init(keys, password);
            TrustManagerFactory others = TrustManagerFactory.getInstance("PKIX");
            others.init(keys);
            SSLContext context = SSLContext.getInstance(PROTOCOL);
            context.init(own.getKeyManagers(), others.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw new UserError(store + ": no key can be read (" + Door.reason(e)
                    + "). It must be a PKCS#12 file whose password is the secret of the job", e);
        }
    }

    /** Goes on with the beginning; returns the operation of a selection key to wait for, or 0 when both sides know each other. */
    int begin(SocketChannel channel) throws IOException {
        while (true) {
            if (!flush(channel)) {
                return SelectionKey.OP_WRITE;
            }
            switch (engine.getHandshakeStatus()) {
                case NEED_TASK -> tasks();
                case NEED_WRAP -> wrap(NOTHING);
                case NEED_UNWRAP, NEED_UNWRAP_AGAIN -> {
                    if (unwrap(plain).getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW && fill(channel) == 0) {
                        return SelectionKey.OP_READ;
                    }
                }
                default -> {
                    return 0;
                }
            }
        }
    }

    /** As a channel that does not block. */
    int read(SocketChannel channel, ByteBuffer into) throws IOException {
        int begin = into.position();
        while (into.hasRemaining()) {
            if (plain.hasRemaining()) {
                int n = Math.min(plain.remaining(), into.remaining());
                into.put(into.position(), plain, plain.position(), n).position(into.position() + n);
                plain.position(plain.position() + n);
                continue;
            }
            boolean direct = into.remaining() >= plain.capacity();
            SSLEngineResult result = unwrap(direct ? into : plain);
            answer(channel);
            if (result.getStatus() == SSLEngineResult.Status.CLOSED) {
                throw new EOFException("it hung up");
            }
            if (result.getStatus() == SSLEngineResult.Status.BUFFER_UNDERFLOW && fill(channel) == 0) {
                break;
            }
        }
        return into.position() - begin;
    }

    /** What TLS itself must say, such as that it takes new keys. */
    private void answer(SocketChannel channel) throws IOException {
        tasks();
        if (engine.getHandshakeStatus() == HandshakeStatus.NEED_WRAP && flush(channel)) {
            wrap(NOTHING);
        }
    }

    /** As a channel that does not block; some of it may still be {@link #pending}. */
    int write(SocketChannel channel, ByteBuffer from) throws IOException {
        int begin = from.position();
        while (flush(channel) && from.hasRemaining()) {
            wrap(from);
            tasks();
            if (!out.hasRemaining()) {
                throw new SSLException("TLS has ended"); // it neither takes nor gives anything
            }
        }
        return from.position() - begin;
    }

    /** True if encrypted bytes wait to be sent. */
    boolean pending() {
        return out.hasRemaining();
    }

    /** Sends what can be sent without waiting; true if nothing is left. */
    boolean flush(SocketChannel channel) throws IOException {
        while (out.hasRemaining()) {
            if (channel.write(out) == 0) {
                return false;
            }
        }
        return true;
    }

    private void tasks() {
        for (Runnable task = engine.getDelegatedTask(); task != null; task = engine.getDelegatedTask()) {
            task.run();
        }
    }

    /** Encrypts as much of {@code from} as fits; nothing is pending before. */
    private void wrap(ByteBuffer from) throws IOException {
        out.clear();
        SSLEngineResult result;
        do {
            result = engine.wrap(from, out);
        } while (from.hasRemaining() && result.getStatus() == SSLEngineResult.Status.OK && result.bytesProduced() > 0);
        out.flip();
    }

    /** Decrypts a record into {@code to}; {@link #plain} is empty before, and ready to be read after. */
    private SSLEngineResult unwrap(ByteBuffer to) throws IOException {
        if (to != plain) {
            return engine.unwrap(in, to);
        }
        plain.clear();
        try {
            return engine.unwrap(in, plain);
        } finally {
            plain.flip();
        }
    }

    /** Receives what is there; 0 if nothing is. */
    private int fill(SocketChannel channel) throws IOException {
        in.compact();
        int n = channel.read(in);
        in.flip();
        if (n < 0) {
            throw new EOFException("it hung up");
        }
        return n;
    }
}
