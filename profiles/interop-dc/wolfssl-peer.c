/* A bare DTLS server on wolfSSL (Debian's libwolfssl-dev): one association, then it ends.
 *
 *     wolfssl-peer CERTIFICATE KEY ADDRESS PORT PEER-ADDRESS PEER-PORT [FINGERPRINT]
 *
 * The peer must show the certificate with this SHA-256 (hexadecimal with colons); without a fingerprint any or none will do. */
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

static const char *wanted;

static int shown(int preverified, WOLFSSL_X509_STORE_CTX *store) {
    unsigned char digest[32];
    char text[3 * sizeof digest + 1];
    (void)preverified;
    if (store->error_depth > 0 || wc_Sha256Hash(store->certs[0].buffer, store->certs[0].length, digest) != 0) return 0;
    for (size_t at = 0; at < sizeof digest; at++) sprintf(text + 3 * at, "%02X:", digest[at]);
    text[3 * sizeof digest - 1] = 0;
    return strcasecmp(text, wanted) == 0;
}

int main(int count, char **words) {
    struct sockaddr_in own = {.sin_family = AF_INET}, peer = {.sin_family = AF_INET};
    char data[65536];
    if (count < 7) return 2;
    wanted = count > 7 ? words[7] : NULL;
    int handle = socket(AF_INET, SOCK_DGRAM, 0);
    inet_pton(AF_INET, words[3], &own.sin_addr);
    own.sin_port = htons(atoi(words[4]));
    inet_pton(AF_INET, words[5], &peer.sin_addr);
    peer.sin_port = htons(atoi(words[6]));
    if (bind(handle, (struct sockaddr *)&own, sizeof own) || connect(handle, (struct sockaddr *)&peer, sizeof peer)) return 3;
    wolfSSL_Init();
    WOLFSSL_CTX *context = wolfSSL_CTX_new(wanted ? wolfDTLSv1_2_server_method() : wolfDTLS_server_method());
    wolfSSL_CTX_use_certificate_file(context, words[1], WOLFSSL_FILETYPE_PEM);
    wolfSSL_CTX_use_PrivateKey_file(context, words[2], WOLFSSL_FILETYPE_PEM);
    if (wanted) {
        wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER | WOLFSSL_VERIFY_FAIL_IF_NO_PEER_CERT, shown);
        wolfSSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384");
    }
    WOLFSSL *session = wolfSSL_new(context);
    wolfSSL_dtls_set_peer(session, &peer, sizeof peer);
    wolfSSL_set_fd(session, handle);
    if (wolfSSL_accept(session) != WOLFSSL_SUCCESS) return 1;
    for (;;) {
        int got = wolfSSL_read(session, data, sizeof data);
        if (got <= 0 && wolfSSL_get_error(session, got) != WOLFSSL_ERROR_WANT_READ) return 0;
    }
}
