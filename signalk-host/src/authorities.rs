//! Certificates of authorities that an owner trusts for one plugin: PEM files in `plugin-config-data`, named by `trust`
//! of its options file. That a name is a plain one is checked by the core; that nothing leads out of the folder, here.

use std::{
    io::{self, Read},
    path::Path,
};

use bytes::Bytes;
use cap_std::{ambient_authority, fs::Dir};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Bytes of a file: those of whole systems have some 200 KiB.
const LARGEST: u64 = 1 << 20;

/// The certificates in DER, and in words what is wrong with the files.
pub(crate) fn read(config: &Path, names: &[String]) -> (Vec<Bytes>, Vec<String>) {
    let (mut certificates, mut complaints) = (Vec::new(), Vec::new());
    for name in names {
        match one(config, name) {
            Ok(found) => certificates.extend(found),
            Err(error) => complaints.push(format!(
                "trust: plugin-config-data/{name}: {error}; nobody is trusted for it: put the authority's certificate there, as PEM"
            )),
        }
    }
    (certificates, complaints)
}

fn one(config: &Path, name: &str) -> io::Result<Vec<Bytes>> {
    let folder = Dir::open_ambient_dir(config.join("plugin-config-data"), ambient_authority())?;
    if !folder.metadata(name)?.is_file() {
        return Err(io::Error::other("this is no file"));
    }
    let mut text = Vec::new();
    folder.open(name)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        return Err(io::Error::other("it is larger than 1 MiB"));
    }
    let (mut certificates, mut wrong) = (Vec::new(), None);
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| io::Error::other(error.to_string()))?;
        // Files of whole systems hold some that cannot be authorities here: those are left out, as of the system's own.
        match RootCertStore::empty().add(certificate.clone()) {
            Ok(()) => certificates.push(Bytes::copy_from_slice(&certificate)),
            Err(error) => wrong = Some(error.to_string()),
        }
    }
    if certificates.is_empty() {
        let text = wrong.unwrap_or_else(|| "there is no certificate in it".to_owned());
        return Err(io::Error::other(text));
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let text = STANDARD.encode(params.self_signed(&key).unwrap().der());
        format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn what_is_no_certificate_or_leads_out_of_the_folder_is_said() {
        let config = tempfile::tempdir().unwrap();
        let folder = config.path().join("plugin-config-data");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("two.pem"), authority() + &authority()).unwrap();
        fs::write(folder.join("empty.pem"), "no certificate\n").unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        fs::write(folder.join("broken.pem"), broken).unwrap();
        fs::create_dir(folder.join("folder.pem")).unwrap();
        fs::File::create(folder.join("large.pem")).unwrap().set_len(LARGEST + 1).unwrap();
        fs::write(config.path().join("outside.pem"), authority()).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(config.path().join("outside.pem"), folder.join("link.pem"))
            .unwrap();
        let names = [
            "two.pem",
            "missing.pem",
            "empty.pem",
            "broken.pem",
            "folder.pem",
            "large.pem",
            "link.pem",
        ];
        let (certificates, complaints) = read(config.path(), &names.map(str::to_owned));
        assert_eq!((certificates.len(), complaints.len()), (2, 6), "{complaints:?}");
        for (complaint, name) in complaints.iter().zip(&names[1..]) {
            assert!(complaint.contains(&format!("plugin-config-data/{name}: ")), "{complaint}");
        }
    }
}
